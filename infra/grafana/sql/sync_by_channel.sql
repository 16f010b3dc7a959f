-- When each channel was last collected from, the stalest first.
SELECT
  channel_id,
  IFNULL(user_id, 'unknown') AS user_id,
  last_sync,
  ROUND(TIMESTAMP_DIFF({to}, last_sync, MINUTE) / 60, 1) AS hours_ago,
  last_sync < TIMESTAMP_SUB({to}, INTERVAL 25 HOUR) AS stale
FROM {synced}
WHERE {owner} AND {channel}
ORDER BY last_sync, channel_id
LIMIT 500
