-- What was loaded in the range: reports, rows, loads, and how many reports replaced one of the same day.
SELECT
  report_type,
  COUNT(DISTINCT report_id) AS reports,
  SUM(row_count) AS loaded_rows,
  COUNT(DISTINCT load_id) AS loads,
  COUNT(DISTINCT channel_id) AS channels,
  COUNT(DISTINCT report_id) - COUNT(DISTINCT CONCAT(channel_id, ' ', CAST(day AS STRING))) AS replaced
FROM `{dataset}.report_loads`
WHERE day BETWEEN DATE_SUB({first_day}, INTERVAL 60 DAY) AND {today} AND loaded_at BETWEEN {from} AND {to} AND {chosen}
GROUP BY report_type
ORDER BY loaded_rows DESC, report_type
