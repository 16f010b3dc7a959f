-- Rows of a day's report that are about what another of its rows is about. Rows about no video may be alike.
SELECT
  raw.channel_id,
  raw.date,
  '{type}: rows about what another row is about' AS what,
  CAST(COUNT(*) - COUNT(DISTINCT {subject}) AS FLOAT64) AS value,
  CAST(0 AS FLOAT64) AS expected
FROM `{dataset}.{table}` AS raw
JOIN `{dataset}.current_reports` AS current_reports
  ON raw.report_id = current_reports.report_id
  AND raw.load_id = current_reports.load_id
WHERE raw.date >= @since AND current_reports.day >= @since AND {about_something}
GROUP BY raw.channel_id, raw.date
HAVING COUNT(*) - COUNT(DISTINCT {subject}) > @threshold
