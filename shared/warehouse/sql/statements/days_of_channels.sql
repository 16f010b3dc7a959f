-- The Pacific days of many channels in `youtube_metrics`, first and last included. The view would read all that was ever
-- asked of Analytics; of it only what is about these days matters, and refusals, which are asked about again each week.
WITH
analytics_loads AS (
  SELECT *
  FROM `{dataset}.analytics_loads`
  WHERE end_day >= DATE_SUB(@start, INTERVAL 35 DAY)
),
current_analytics AS (
{view current_analytics}
),
refused_days AS (
{view refused_days}
),
youtube_metrics AS (
{view youtube_metrics}
)
SELECT *
FROM youtube_metrics
WHERE channel_id IN UNNEST(@channels) AND date BETWEEN @start AND @end
ORDER BY channel_id
