-- How many reports of every channel's days there are, and how many rows they have.
SELECT COUNT(*) AS reports, IFNULL(SUM(row_count), 0) AS row_count
FROM `{dataset}.current_reports`
WHERE report_type = 'channel_basic_a3' AND day >= @since
