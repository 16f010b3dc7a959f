-- One row a channel and Pacific day: the analytics schema of the owner's guide, column for column, then what it leaves
-- open. This file is the rule by which sources are merged:
--   1. The bulk report of a day is what counts (state final). A report without rows is a known 0.
--   2. Where none has come, Analytics' answer about the day stands in, and is never added to it: provisional for a day
--      whose report may come, history for one before the channel's first report.
--   3. Impressions and their rate come from the reach report alone, revenue from Analytics alone, in USD.
--   4. What no source has is NULL, and the column's reason says why.
-- Fractions are rounded as BIGNUMERIC: exact, whatever scale an engine gives to a plain NUMERIC.
-- Unique: channel_id, date. Never NULL: channel_id, date, views_definition, state, source, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- views: how often its videos were watched, those included that YouTube names no video for
-- watch_time_minutes: how long they were watched
-- subscribers_gained: who subscribed on this day
-- subscribers_lost: who ended a subscription on this day
-- estimated_revenue: what YouTube estimates the channel earned, in USD; restated for weeks
-- impressions: how often thumbnails of its videos were shown on YouTube
-- click_through_rate: the part of impressions that was clicked: 0.05 is 5 per cent
-- average_view_duration: seconds watched for each engaged view, as YouTube itself divides
-- engaged_views: views beyond the first seconds; the definition of `views` until it changed
-- views_definition: which definition of `views` held on this day
-- state: final (bulk report), provisional (Analytics, until the report comes) or history (Analytics, before reports)
-- views_reason: why `views` is NULL
-- watch_time_minutes_reason: why `watch_time_minutes` is NULL
-- subscribers_reason: why `subscribers_gained` or `subscribers_lost` is NULL
-- estimated_revenue_reason: why `estimated_revenue` is NULL
-- impressions_reason: why `impressions` is NULL
-- click_through_rate_reason: why `click_through_rate` is NULL
-- average_view_duration_reason: why `average_view_duration` is NULL
-- engaged_views_reason: why `engaged_views` is NULL
-- source: the report type, or the Analytics query, that `views` and its neighbours are from
-- as_of: when that report was issued, or that answer given
-- estimated_revenue_as_of: when Analytics was asked for the revenue
-- findings: what is odd about the day's reports that were loaded all the same
WITH
-- Each source's rows, one below the other, so that a filter on the date reaches every one of them. A struct's fields
-- are named, as not every engine takes their names from the columns.
parts AS (
  SELECT
    channel_id,
    day AS date,
    STRUCT(
      report_type AS report_type,
      row_count AS row_count,
      create_time AS create_time,
      findings AS findings
    ) AS report,
    NULL AS basic,
    NULL AS reach,
    NULL AS told,
    NULL AS earned,
    NULL AS refused
  FROM `{dataset}.current_reports`
  WHERE report_type IN ('channel_basic_a3', 'channel_reach_basic_a1')
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL,
    STRUCT(
      views AS views,
      engaged_views AS engaged_views,
      watch_time_minutes AS watch_time_minutes,
      subscribers_gained AS subscribers_gained,
      subscribers_lost AS subscribers_lost
    ),
    NULL, NULL, NULL, NULL
  FROM `{dataset}.channel_basic`
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL, NULL,
    STRUCT(
      video_thumbnail_impressions AS impressions,
      video_thumbnail_impressions * video_thumbnail_impressions_ctr AS clicks
    ),
    NULL, NULL, NULL
  FROM `{dataset}.channel_reach`
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL, NULL, NULL,
    STRUCT(
      kind AS kind,
      asked_at AS asked_at,
      -- YouTube writes whole numbers as 0.0 at times.
      CAST(CAST(JSON_VALUE(metrics, '$.views') AS NUMERIC) AS INT64) AS views,
      CAST(CAST(JSON_VALUE(metrics, '$.engagedViews') AS NUMERIC) AS INT64) AS engaged_views,
      CAST(JSON_VALUE(metrics, '$.estimatedMinutesWatched') AS FLOAT64) AS watch_time_minutes,
      CAST(JSON_VALUE(metrics, '$.averageViewDuration') AS FLOAT64) AS average_view_duration,
      CAST(CAST(JSON_VALUE(metrics, '$.subscribersGained') AS NUMERIC) AS INT64) AS subscribers_gained,
      CAST(CAST(JSON_VALUE(metrics, '$.subscribersLost') AS NUMERIC) AS INT64) AS subscribers_lost
    ),
    NULL, NULL
  FROM `{dataset}.current_analytics`
  WHERE query = 'channel_daily'
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL, NULL, NULL, NULL,
    STRUCT(kind AS kind, asked_at AS asked_at, CAST(JSON_VALUE(metrics, '$.estimatedRevenue') AS FLOAT64) AS estimated_revenue),
    NULL
  FROM `{dataset}.current_analytics`
  WHERE query = 'revenue_daily'
  UNION ALL
  SELECT
    channel_id,
    date,
    NULL, NULL, NULL, NULL, NULL,
    STRUCT(reason AS reason)
  FROM `{dataset}.refused_days`
  WHERE query = 'revenue_daily'
),
days AS (
  SELECT
    channel_id,
    date,
    -- Four days: the last of them has ended when YouTube's three are over, wherever midnight is.
    date > DATE_SUB(CURRENT_DATE('America/Los_Angeles'), INTERVAL 4 DAY) AS fresh,
    MAX(IF(report.report_type = 'channel_basic_a3', report.row_count, NULL)) AS basic_rows,
    MAX(IF(report.report_type = 'channel_reach_basic_a1', report.row_count, NULL)) AS reach_rows,
    MAX(IF(report.report_type = 'channel_basic_a3', report.create_time, NULL)) AS basic_at,
    MAX(IF(report.report_type = 'channel_reach_basic_a1', report.create_time, NULL)) AS reach_at,
    STRING_AGG(CONCAT(report.report_type, ': ', report.findings), '; ' ORDER BY report.report_type) AS findings,
    SUM(basic.views) AS basic_views,
    SUM(basic.engaged_views) AS basic_engaged_views,
    SUM(basic.watch_time_minutes) AS basic_watch_time_minutes,
    SUM(basic.subscribers_gained) AS basic_subscribers_gained,
    SUM(basic.subscribers_lost) AS basic_subscribers_lost,
    SUM(reach.impressions) AS reach_impressions,
    -- A rate is weighted by what it is a rate of; the average of rates is no rate.
    SAFE_DIVIDE(SUM(reach.clicks), SUM(reach.impressions)) AS click_through_rate,
    MAX(told.asked_at) AS told_at,
    IFNULL(MAX(told.kind), MAX(earned.kind)) AS kind,
    MAX(told.views) AS told_views,
    MAX(told.engaged_views) AS told_engaged_views,
    MAX(told.watch_time_minutes) AS told_watch_time_minutes,
    MAX(told.average_view_duration) AS told_average_view_duration,
    MAX(told.subscribers_gained) AS told_subscribers_gained,
    MAX(told.subscribers_lost) AS told_subscribers_lost,
    MAX(earned.asked_at) AS earned_at,
    MAX(earned.estimated_revenue) AS estimated_revenue,
    MAX(refused.reason) AS refused
  FROM parts
  GROUP BY channel_id, date, fresh
),
-- What was refused when a channel's revenue was last asked for is the reason for days that nobody asked for, too.
last_asked AS (
  SELECT channel_id, reason
  FROM `{dataset}.analytics_loads`
  WHERE query = 'revenue_daily'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id ORDER BY asked_at DESC, load_id) = 1
),
merged AS (
  SELECT
    days.* EXCEPT (refused),
    IFNULL(days.refused, last_asked.reason) AS refused,
    CASE
      WHEN basic_rows IS NOT NULL THEN 'final'
      WHEN kind = 'history' THEN 'history'
      ELSE 'provisional'
    END AS state,
    CASE WHEN basic_rows IS NULL THEN told_views WHEN basic_rows = 0 THEN 0 ELSE basic_views END AS views,
    CASE
      WHEN basic_rows IS NULL THEN told_engaged_views
      WHEN basic_rows = 0 THEN 0
      ELSE basic_engaged_views
    END AS engaged_views,
    CASE
      WHEN basic_rows IS NULL THEN told_watch_time_minutes
      WHEN basic_rows = 0 THEN 0
      ELSE basic_watch_time_minutes
    END AS watch_time_minutes,
    -- YouTube divides watch time by engaged views, also since `views` counts every start.
    IF(
      basic_rows IS NULL,
      told_average_view_duration,
      SAFE_DIVIDE(basic_watch_time_minutes * 60, basic_engaged_views)
    ) AS average_view_duration,
    CASE
      WHEN basic_rows IS NULL THEN told_subscribers_gained
      WHEN basic_rows = 0 THEN 0
      ELSE basic_subscribers_gained
    END AS subscribers_gained,
    CASE
      WHEN basic_rows IS NULL THEN told_subscribers_lost
      WHEN basic_rows = 0 THEN 0
      ELSE basic_subscribers_lost
    END AS subscribers_lost,
    IF(reach_rows = 0, 0, reach_impressions) AS impressions,
    CASE
      WHEN basic_rows IS NOT NULL THEN 'absent: the channel_basic_a3 report has no such column'
      WHEN told_at IS NOT NULL THEN 'absent: Analytics did not tell it'
      WHEN kind = 'history' THEN 'before reports: Analytics did not tell it'
      WHEN fresh THEN 'not yet: no channel_basic_a3 report for this day has come'
      ELSE 'never issued: no channel_basic_a3 report for this day has come in time'
    END AS basic_reason,
    CASE
      WHEN reach_rows IS NOT NULL THEN 'absent: the channel_reach_basic_a1 report has no such column'
      WHEN fresh THEN 'not yet: no channel_reach_basic_a1 report for this day has come'
      WHEN basic_rows IS NULL AND kind = 'history' THEN 'before reports: only bulk reports have it, and there were none'
      ELSE 'never issued: no channel_reach_basic_a1 report for this day has come in time'
    END AS reach_reason
  FROM days
  LEFT JOIN last_asked
    ON last_asked.channel_id = days.channel_id
  WHERE basic_rows IS NOT NULL OR reach_rows IS NOT NULL OR told_at IS NOT NULL OR earned_at IS NOT NULL
)
SELECT
  channel_id,
  date,
  views,
  ROUND(CAST(watch_time_minutes AS BIGNUMERIC), 2) AS watch_time_minutes,
  subscribers_gained,
  subscribers_lost,
  CAST(ROUND(CAST(estimated_revenue AS BIGNUMERIC), 2) AS NUMERIC) AS estimated_revenue,
  impressions,
  ROUND(CAST(click_through_rate AS BIGNUMERIC), 4) AS click_through_rate,
  ROUND(CAST(average_view_duration AS BIGNUMERIC), 2) AS average_view_duration,
  engaged_views,
  CASE
    WHEN date < DATE '2025-03-31' THEN 'views of a minimum length'
    WHEN date < DATE '2026-08-24' THEN 'every start for Shorts, a minimum length elsewhere'
    ELSE 'every start'
  END AS views_definition,
  state,
  IF(views IS NULL, basic_reason, NULL) AS views_reason,
  IF(watch_time_minutes IS NULL, basic_reason, NULL) AS watch_time_minutes_reason,
  IF(subscribers_gained IS NULL OR subscribers_lost IS NULL, basic_reason, NULL) AS subscribers_reason,
  CASE
    WHEN estimated_revenue IS NOT NULL THEN NULL
    WHEN earned_at IS NOT NULL THEN 'absent: Analytics did not tell it'
    WHEN refused = 'monetaryForbidden' THEN 'refused: not in the Partner Program'
    WHEN refused = 'insufficientPermissions' THEN 'refused: the permission was not given'
    WHEN refused = 'reauthRequired' THEN 'refused: the permission was withdrawn'
    WHEN refused IS NOT NULL THEN CONCAT('refused: ', refused)
    WHEN fresh THEN 'not yet: Analytics has not told this day'
    ELSE 'not told: Analytics has no row for this day'
  END AS estimated_revenue_reason,
  IF(impressions IS NULL, reach_reason, NULL) AS impressions_reason,
  CASE
    WHEN click_through_rate IS NOT NULL THEN NULL
    WHEN impressions = 0 THEN 'no impressions'
    ELSE reach_reason
  END AS click_through_rate_reason,
  CASE
    WHEN average_view_duration IS NOT NULL THEN NULL
    WHEN engaged_views = 0 THEN 'no engaged views'
    ELSE basic_reason
  END AS average_view_duration_reason,
  IF(engaged_views IS NULL, basic_reason, NULL) AS engaged_views_reason,
  CASE
    WHEN basic_rows IS NOT NULL THEN 'channel_basic_a3'
    WHEN told_at IS NOT NULL THEN 'channel_daily'
    WHEN reach_rows IS NOT NULL THEN 'channel_reach_basic_a1'
    ELSE 'revenue_daily'
  END AS source,
  COALESCE(basic_at, told_at, reach_at, earned_at) AS as_of,
  earned_at AS estimated_revenue_as_of,
  findings
FROM merged
