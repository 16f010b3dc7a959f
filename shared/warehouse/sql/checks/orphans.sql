-- Rows that no manifest names, of loads that are long over: nobody sees them, and they are paid for.
SELECT
  raw.channel_id,
  MIN(raw.date) AS date,
  CONCAT('{type}: rows of a load that was never named, ', raw.load_id) AS what,
  CAST(COUNT(*) AS FLOAT64) AS value,
  CAST(0 AS FLOAT64) AS expected
FROM `{dataset}.{table}` AS raw
LEFT JOIN `{dataset}.report_loads` AS report_loads
  ON raw.report_id = report_loads.report_id
  AND raw.load_id = report_loads.load_id
WHERE raw.date >= @since AND report_loads.load_id IS NULL AND raw.load_id < @before
GROUP BY raw.channel_id, raw.load_id
HAVING COUNT(*) > @threshold
