-- Channels that nothing has been collected of for 25 hours.
SELECT COUNTIF(last_sync < TIMESTAMP_SUB({to}, INTERVAL 25 HOUR)) AS stale, COUNT(*) AS channels
FROM {synced}
WHERE {owner} AND {channel}
