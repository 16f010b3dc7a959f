-- Days of which the Analytics API tells other views than the bulk report, by more than the tolerance and 10 views.
WITH
told AS (
  SELECT
    answer.channel_id,
    answer.date,
    CAST(JSON_VALUE(answer.metrics, '$.views') AS FLOAT64) AS views
  FROM `{dataset}.analytics_rows` AS answer
  JOIN `{dataset}.analytics_loads` AS named
    ON answer.load_id = named.load_id
    AND answer.channel_id = named.channel_id
    AND answer.query = named.query
  WHERE answer.date >= @since AND named.end_day >= @since AND answer.query = 'channel_daily' AND named.reason IS NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY answer.channel_id, answer.date
    ORDER BY named.asked_at DESC, answer.load_id
  ) = 1
),
counted AS (
  SELECT channel_id, date, SUM(views) AS views
  FROM `{dataset}.channel_basic`
  WHERE date >= @since
  GROUP BY channel_id, date
)
SELECT
  counted.channel_id,
  counted.date,
  'views: the bulk report against the Analytics API' AS what,
  CAST(counted.views AS FLOAT64) AS value,
  told.views AS expected
FROM counted
JOIN told
  ON told.channel_id = counted.channel_id
  AND told.date = counted.date
WHERE ABS(counted.views - told.views) > GREATEST(10, @threshold * told.views)
