-- What each hour watched brought each channel on each Pacific day, and what the owner spent that day.
-- Unique: channel_id, date. Never NULL: channel_id, date. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- hours_watched: how long its videos were watched
-- estimated_revenue: YouTube's estimate in USD
-- estimated_revenue_reason: why it is NULL
-- revenue_per_hour_watched: estimated revenue for each hour
-- cost: all that the owner put down as `cost` in USD on that day, for the channel or its videos
-- net: estimated_revenue less cost; NULL when either is
WITH
parts AS (
  SELECT
    channel_id,
    date,
    STRUCT(
      watch_time_minutes AS watch_time_minutes,
      estimated_revenue AS estimated_revenue,
      estimated_revenue_reason AS estimated_revenue_reason
    ) AS day,
    NULL AS cost
  FROM `{dataset}.youtube_metrics`
  UNION ALL
  SELECT channel_id, date, NULL, value
  FROM `{dataset}.owner_metrics`
  WHERE name = 'cost' AND unit = 'USD'
),
days AS (
  SELECT
    channel_id,
    date,
    ROUND(MAX(day.watch_time_minutes) / 60, 2) AS hours_watched,
    MAX(day.estimated_revenue) AS estimated_revenue,
    MAX(day.estimated_revenue_reason) AS estimated_revenue_reason,
    SUM(cost) AS cost
  FROM parts
  GROUP BY channel_id, date
)
SELECT
  channel_id,
  date,
  hours_watched,
  estimated_revenue,
  estimated_revenue_reason,
  ROUND(SAFE_DIVIDE(CAST(estimated_revenue AS BIGNUMERIC), hours_watched), 4) AS revenue_per_hour_watched,
  cost,
  estimated_revenue - cost AS net
FROM days
