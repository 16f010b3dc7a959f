-- Of these reports, those that the manifest names.
SELECT DISTINCT report_id
FROM `{dataset}.report_loads`
WHERE report_id IN UNNEST(@ids)
