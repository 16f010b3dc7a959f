-- One row a channel and Pacific day: the analytics schema of the owner's guide, column for column, then what it
-- leaves open (engaged views, which definition of `views` holds, where the numbers come from and as of when).
-- Absent is NULL with a reason, never 0. Fractions are rounded as BIGNUMERIC: exact, whatever scale an engine gives
-- to a plain NUMERIC.
WITH
basic AS (
  SELECT
    channel_id,
    date,
    SUM(views) AS views,
    SUM(engaged_views) AS engaged_views,
    SUM(watch_time_minutes) AS watch_time_minutes,
    SUM(subscribers_gained) AS subscribers_gained,
    SUM(subscribers_lost) AS subscribers_lost,
    MAX(as_of) AS as_of
  FROM `{dataset}.channel_basic`
  GROUP BY channel_id, date
),
reach AS (
  SELECT
    channel_id,
    date,
    SUM(video_thumbnail_impressions) AS impressions,
    -- A rate is weighted by what it is a rate of; the average of rates is no rate.
    SAFE_DIVIDE(
      SUM(video_thumbnail_impressions * video_thumbnail_impressions_ctr),
      SUM(video_thumbnail_impressions)
    ) AS click_through_rate
  FROM `{dataset}.channel_reach`
  GROUP BY channel_id, date
)
SELECT
  basic.channel_id,
  basic.date,
  basic.views,
  ROUND(CAST(basic.watch_time_minutes AS BIGNUMERIC), 2) AS watch_time_minutes,
  basic.subscribers_gained,
  basic.subscribers_lost,
  CAST(NULL AS NUMERIC) AS estimated_revenue,
  reach.impressions,
  ROUND(CAST(reach.click_through_rate AS BIGNUMERIC), 4) AS click_through_rate,
  -- YouTube divides watch time by engaged views, also since `views` counts every start.
  ROUND(CAST(SAFE_DIVIDE(basic.watch_time_minutes * 60, basic.engaged_views) AS BIGNUMERIC), 2)
    AS average_view_duration,
  basic.engaged_views,
  CASE
    WHEN basic.date < DATE '2025-03-31' THEN 'views of a minimum length'
    WHEN basic.date < DATE '2026-08-24' THEN 'every start for Shorts, a minimum length elsewhere'
    ELSE 'every start'
  END AS views_definition,
  'no bulk report carries revenue; it needs the Analytics API' AS estimated_revenue_reason,
  IF(reach.channel_id IS NULL, 'no reach report for this day', NULL) AS impressions_reason,
  'channel_basic_a3' AS source,
  basic.as_of
FROM basic
LEFT JOIN reach
  ON reach.channel_id = basic.channel_id AND reach.date = basic.date
