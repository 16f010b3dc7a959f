-- What each video cost its owner and what it brought in: the owner's `cost` in USD beside YouTube's revenue in USD.
-- Unique: channel_id, video_id. Never NULL: channel_id, video_id, costs_in_other_units. Days: all (over a lifetime).
-- channel_id: the channel
-- video_id: the video
-- cost: all that the owner put down for it as `cost` in USD; NULL when there is none
-- costs_in_other_units: how many costs are in other units, and are not in `cost`
-- estimated_revenue: the sum of its months as Analytics told them; NULL when it told none
-- revenue_months: how many months those are
-- net: estimated_revenue less cost; NULL when either is
-- views: how often it was watched, in all reports about it
-- hours_watched: how long it was watched, in all reports about it
-- cost_per_hour_watched: cost for each hour
WITH
parts AS (
  SELECT
    channel_id,
    video_id,
    STRUCT(IF(unit = 'USD', value, NULL) AS cost, unit AS unit) AS spent,
    NULL AS earned,
    NULL AS watched
  FROM `{dataset}.owner_metrics`
  WHERE name = 'cost' AND video_id IS NOT NULL
  UNION ALL
  SELECT channel_id, video_id, NULL, STRUCT(date AS date, estimated_revenue AS estimated_revenue), NULL
  FROM `{dataset}.video_revenue_monthly`
  UNION ALL
  SELECT channel_id, video_id, NULL, NULL, STRUCT(views AS views, watch_time_minutes AS watch_time_minutes)
  FROM `{dataset}.channel_basic`
  WHERE video_id IS NOT NULL
),
videos AS (
  SELECT
    channel_id,
    video_id,
    SUM(spent.cost) AS cost,
    COUNTIF(spent.unit != 'USD') AS costs_in_other_units,
    SUM(earned.estimated_revenue) AS estimated_revenue,
    COUNT(earned.date) AS revenue_months,
    SUM(watched.views) AS views,
    ROUND(CAST(SUM(watched.watch_time_minutes) / 60 AS BIGNUMERIC), 2) AS hours_watched
  FROM parts
  GROUP BY channel_id, video_id
)
SELECT
  channel_id,
  video_id,
  cost,
  costs_in_other_units,
  estimated_revenue,
  revenue_months,
  estimated_revenue - cost AS net,
  views,
  hours_watched,
  ROUND(SAFE_DIVIDE(CAST(cost AS BIGNUMERIC), hours_watched), 4) AS cost_per_hour_watched
FROM videos
