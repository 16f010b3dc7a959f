-- Days between two loaded reports of a type of which none is loaded.
SELECT
  channel_id,
  DATE_ADD(day, INTERVAL 1 DAY) AS date,
  CONCAT(report_type, ': days without a report from here on') AS what,
  CAST(DATE_DIFF(next_day, day, DAY) - 1 AS FLOAT64) AS value,
  CAST(0 AS FLOAT64) AS expected
FROM (
  SELECT
    channel_id,
    report_type,
    day,
    LEAD(day) OVER (PARTITION BY channel_id, report_type ORDER BY day) AS next_day
  FROM `{dataset}.current_reports`
  WHERE day >= @since
)
WHERE DATE_DIFF(next_day, day, DAY) - 1 > @threshold
