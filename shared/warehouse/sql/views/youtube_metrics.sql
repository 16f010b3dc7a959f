-- One row a channel and Pacific day of which a report is loaded: the analytics schema of the owner's guide, column
-- for column, then what it leaves open (engaged views, which definition of `views` holds, where the numbers come
-- from and as of when, what is odd about them).
-- It stands on what the manifest says was loaded: a report without rows is a known 0. Absent is NULL with a reason.
-- Fractions are rounded as BIGNUMERIC: exact, whatever scale an engine gives to a plain NUMERIC.
WITH
days AS (
  SELECT
    channel_id,
    day AS date,
    -- Four days: the last of them has ended when YouTube's three are over, wherever midnight is.
    day > DATE_SUB(CURRENT_DATE('America/Los_Angeles'), INTERVAL 4 DAY) AS fresh,
    MAX(IF(report_type = 'channel_basic_a3', row_count, NULL)) AS basic_rows,
    MAX(IF(report_type = 'channel_reach_basic_a1', row_count, NULL)) AS reach_rows,
    IFNULL(
      MAX(IF(report_type = 'channel_basic_a3', create_time, NULL)),
      MAX(create_time)
    ) AS as_of,
    STRING_AGG(CONCAT(report_type, ': ', findings), '; ' ORDER BY report_type) AS findings
  FROM `{dataset}.current_reports`
  WHERE report_type IN ('channel_basic_a3', 'channel_reach_basic_a1')
  GROUP BY channel_id, date, fresh
),
basic AS (
  SELECT
    channel_id,
    date,
    SUM(views) AS views,
    SUM(engaged_views) AS engaged_views,
    SUM(watch_time_minutes) AS watch_time_minutes,
    SUM(subscribers_gained) AS subscribers_gained,
    SUM(subscribers_lost) AS subscribers_lost
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
  days.channel_id,
  days.date,
  IF(days.basic_rows = 0, 0, basic.views) AS views,
  ROUND(CAST(IF(days.basic_rows = 0, 0, basic.watch_time_minutes) AS BIGNUMERIC), 2) AS watch_time_minutes,
  IF(days.basic_rows = 0, 0, basic.subscribers_gained) AS subscribers_gained,
  IF(days.basic_rows = 0, 0, basic.subscribers_lost) AS subscribers_lost,
  CAST(NULL AS NUMERIC) AS estimated_revenue,
  IF(days.reach_rows = 0, 0, reach.impressions) AS impressions,
  ROUND(CAST(reach.click_through_rate AS BIGNUMERIC), 4) AS click_through_rate,
  -- YouTube divides watch time by engaged views, also since `views` counts every start.
  ROUND(CAST(SAFE_DIVIDE(basic.watch_time_minutes * 60, basic.engaged_views) AS BIGNUMERIC), 2)
    AS average_view_duration,
  IF(days.basic_rows = 0, 0, basic.engaged_views) AS engaged_views,
  CASE
    WHEN days.date < DATE '2025-03-31' THEN 'views of a minimum length'
    WHEN days.date < DATE '2026-08-24' THEN 'every start for Shorts, a minimum length elsewhere'
    ELSE 'every start'
  END AS views_definition,
  CASE
    WHEN days.basic_rows IS NOT NULL THEN NULL
    WHEN days.fresh THEN 'not yet: no channel_basic_a3 report for this day has come'
    ELSE 'never issued: no channel_basic_a3 report for this day has come in time'
  END AS views_reason,
  'no bulk report carries revenue; it needs the Analytics API' AS estimated_revenue_reason,
  CASE
    WHEN days.reach_rows IS NOT NULL THEN NULL
    WHEN days.fresh THEN 'not yet: no channel_reach_basic_a1 report for this day has come'
    ELSE 'never issued: no channel_reach_basic_a1 report for this day has come in time'
  END AS impressions_reason,
  IF(days.basic_rows IS NULL, 'channel_reach_basic_a1', 'channel_basic_a3') AS source,
  days.as_of,
  days.findings
FROM days
LEFT JOIN basic
  ON basic.channel_id = days.channel_id AND basic.date = days.date
LEFT JOIN reach
  ON reach.channel_id = days.channel_id AND reach.date = days.date
