-- How many days of each channel, report type and month the manifest names, from one day on.
SELECT
  channel_id,
  report_type,
  FORMAT_DATE('%Y-%m', day) AS month,
  COUNT(DISTINCT day) AS days
FROM `{dataset}.report_loads`
WHERE day >= @since
GROUP BY channel_id, report_type, month
