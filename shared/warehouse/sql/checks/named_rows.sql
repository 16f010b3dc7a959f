-- Reports that count and have more or fewer rows than the manifest says.
SELECT
  named.channel_id,
  named.day AS date,
  CONCAT('{type}: rows of report ', named.report_id) AS what,
  CAST(IFNULL(stored.row_count, 0) AS FLOAT64) AS value,
  CAST(named.row_count AS FLOAT64) AS expected
FROM `{dataset}.current_reports` AS named
LEFT JOIN (
  SELECT channel_id, date, report_id, load_id, COUNT(*) AS row_count
  FROM `{dataset}.{table}`
  WHERE date >= @since
  GROUP BY channel_id, date, report_id, load_id
) AS stored
  ON stored.channel_id = named.channel_id
  AND stored.date = named.day
  AND stored.report_id = named.report_id
  AND stored.load_id = named.load_id
WHERE named.day >= @since AND named.report_type = '{type}'
  AND ABS(IFNULL(stored.row_count, 0) - named.row_count) > @threshold
