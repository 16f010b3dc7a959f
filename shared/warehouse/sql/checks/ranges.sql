-- Counts and times below 0, and shares of a whole above 100. What was watched of a video may be more than 100 per cent.
SELECT
  channel_id,
  date,
  CONCAT('{type}: rows with an impossible ', outside) AS what,
  CAST(COUNT(*) AS FLOAT64) AS value,
  CAST(0 AS FLOAT64) AS expected
FROM (
  SELECT raw.channel_id, raw.date, TRIM(CONCAT({outside})) AS outside
  FROM `{dataset}.{table}` AS raw
  JOIN `{dataset}.current_reports` AS current_reports
    ON raw.report_id = current_reports.report_id
    AND raw.load_id = current_reports.load_id
  WHERE raw.date >= @since AND current_reports.day >= @since
)
WHERE outside != ''
GROUP BY channel_id, date, outside
HAVING COUNT(*) > @threshold
