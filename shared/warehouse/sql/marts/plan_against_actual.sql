-- What the owner planned for each month beside what came: plan_views, plan_watch_time_minutes, plan_subscribers_gained
-- and plan_estimated_revenue among the owner's numbers. Plans for days of one month are added up.
-- Unique: channel_id, month, name. Never NULL: channel_id, month, name, planned. Days: all (a plan is about a month).
-- channel_id: the channel
-- month: the month's first day
-- name: what was planned, a column of youtube_metrics
-- planned: the sum of the plans
-- actual: the sum over the month's days; NULL when no day has it
-- days: of how many days
-- attained: actual for planned: 0.5 is half
WITH
parts AS (
  SELECT
    channel_id,
    CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month,
    SUBSTR(name, 6) AS name,
    value AS plan,
    NULL AS came
  FROM `{dataset}.owner_metrics`
  WHERE name IN ('plan_views', 'plan_watch_time_minutes', 'plan_subscribers_gained', 'plan_estimated_revenue')
    AND video_id IS NULL
  UNION ALL
  SELECT
    days.channel_id,
    CAST(DATE_TRUNC(days.date, MONTH) AS DATE),
    measured.name,
    NULL,
    measured.value
  FROM `{dataset}.youtube_metrics` AS days
  CROSS JOIN UNNEST([
    STRUCT('views' AS name, CAST(days.views AS NUMERIC) AS value),
    STRUCT('watch_time_minutes' AS name, CAST(days.watch_time_minutes AS NUMERIC) AS value),
    STRUCT('subscribers_gained' AS name, CAST(days.subscribers_gained AS NUMERIC) AS value),
    STRUCT('estimated_revenue' AS name, days.estimated_revenue AS value)
  ]) AS measured
)
SELECT
  channel_id,
  month,
  name,
  SUM(plan) AS planned,
  SUM(came) AS actual,
  COUNT(came) AS days,
  ROUND(CAST(SAFE_DIVIDE(SUM(came), SUM(plan)) AS BIGNUMERIC), 4) AS attained
FROM parts
GROUP BY channel_id, month, name
HAVING COUNT(plan) > 0
