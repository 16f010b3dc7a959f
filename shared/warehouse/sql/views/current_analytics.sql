-- The Analytics rows that count: of all loads that have a row for a channel, query, subject and day, the newest.
-- A row comes with what was asked: subject, kind, start_day, end_day, asked_at, truncated.
WITH
loads AS (
  SELECT load_id, channel_id, query, subject, kind, start_day, end_day, asked_at, truncated
  FROM `{dataset}.analytics_loads`
  WHERE reason IS NULL
  -- Two deliveries may name one load at once.
  QUALIFY ROW_NUMBER() OVER (PARTITION BY load_id, channel_id, query, subject, start_day ORDER BY end_day) = 1
)
SELECT
  raw.*,
  loads.subject,
  loads.kind,
  loads.start_day,
  loads.end_day,
  loads.asked_at,
  loads.truncated
FROM `{dataset}.analytics_rows` AS raw
JOIN loads
  ON loads.load_id = raw.load_id
  AND loads.channel_id = raw.channel_id
  AND loads.query = raw.query
  AND (loads.subject IS NULL OR loads.subject = raw.video_id)
  AND raw.date BETWEEN loads.start_day AND loads.end_day
QUALIFY RANK() OVER (
  PARTITION BY raw.channel_id, raw.query, loads.subject, raw.date
  ORDER BY loads.asked_at DESC, raw.load_id
) = 1
