-- How far each channel's reports reach: its newest day, and how many days, reports and rows there are.
SELECT
  channel_id,
  MAX(day) AS latest,
  COUNT(DISTINCT day) AS days,
  COUNT(*) AS reports,
  SUM(row_count) AS row_count
FROM `{dataset}.current_reports`
WHERE report_type = 'channel_basic_a3' AND day >= @since
GROUP BY channel_id
