-- Channels of each user, and how many are stale: the guide's third query.
SELECT
  IFNULL(user_id, 'unknown') AS user_id,
  COUNT(*) AS channel_count,
  COUNTIF(last_sync < TIMESTAMP_SUB({to}, INTERVAL 25 HOUR)) AS stale_channels,
  MIN(last_sync) AS oldest_sync
FROM {synced}
WHERE {owner} AND {channel}
GROUP BY user_id
ORDER BY stale_channels DESC, oldest_sync, user_id
LIMIT 500
