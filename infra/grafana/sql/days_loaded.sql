-- For each day of numbers, of how many channels its report is loaded, by report type.
SELECT TIMESTAMP(day, 'America/Los_Angeles') AS time, report_type, COUNT(DISTINCT channel_id) AS channels
FROM `{dataset}.current_reports`
WHERE day BETWEEN {first_day} AND {today} AND {chosen}
GROUP BY time, report_type
ORDER BY time, report_type
