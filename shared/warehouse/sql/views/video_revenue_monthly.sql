-- What each channel's videos earned in each month, the 200 that earned most, as Analytics says.
-- Unique: channel_id, date, video_id. Never NULL: channel_id, date, video_id, truncated, as_of. Days: date.
-- channel_id: the channel
-- date: the month's first day
-- video_id: the video
-- estimated_revenue: YouTube's estimate in USD; restated for weeks
-- truncated: TRUE when there were as many rows as YouTube gives, so that videos may be missing
-- as_of: when Analytics was asked
SELECT
  channel_id,
  date,
  video_id,
  CAST(JSON_VALUE(metrics, '$.estimatedRevenue') AS NUMERIC) AS estimated_revenue,
  truncated,
  asked_at AS as_of
FROM `{dataset}.current_analytics`
WHERE query = 'video_revenue_monthly' AND video_id IS NOT NULL
