-- Days on which views fall far below those of the seven days before, by the same definition of a view.
SELECT
  channel_id,
  date,
  'views, against the seven days before' AS what,
  CAST(views AS FLOAT64) AS value,
  usual AS expected
FROM (
  SELECT
    channel_id,
    date,
    views,
    views_definition,
    AVG(views) OVER before AS usual,
    COUNT(views) OVER before AS days_before,
    MIN(views_definition) OVER before AS definition_before
  FROM `{dataset}.youtube_metrics`
  WHERE date >= @since AND views IS NOT NULL
  WINDOW before AS (PARTITION BY channel_id ORDER BY date ROWS BETWEEN 7 PRECEDING AND 1 PRECEDING)
)
WHERE days_before = 7
  AND definition_before = views_definition
  AND usual >= 100
  AND views < usual * (1 - @threshold)
