-- Report types whose newest day is older than YouTube's 72 hours, a day for loading and one for time zones explain.
SELECT
  channel_id,
  MAX(day) AS date,
  CONCAT(report_type, ': days since the newest report\'s day') AS what,
  CAST(DATE_DIFF(@today, MAX(day), DAY) AS FLOAT64) AS value,
  @threshold AS expected
FROM `{dataset}.current_reports`
WHERE day >= @since
GROUP BY channel_id, report_type
HAVING DATE_DIFF(@today, MAX(day), DAY) > @threshold
