-- How old each channel's newest public counts are, the oldest first.
SELECT
  channel_id,
  COUNT(*) AS videos,
  COUNTIF(as_of < TIMESTAMP_SUB({to}, INTERVAL 1 HOUR)) AS older_than_an_hour,
  COUNTIF(as_of < TIMESTAMP_SUB({to}, INTERVAL 24 HOUR)) AS older_than_a_day,
  MAX(as_of) AS newest_reading,
  MIN(as_of) AS oldest_reading
FROM `{dataset}.video_counts_latest`
WHERE {chosen}
GROUP BY channel_id
ORDER BY newest_reading, channel_id
LIMIT 500
