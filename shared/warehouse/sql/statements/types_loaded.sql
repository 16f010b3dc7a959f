-- The report types of which a report is loaded, from one day on.
SELECT DISTINCT report_type
FROM `{dataset}.report_loads`
WHERE day >= @since
