SELECT DISTINCT channel_id
FROM `{dataset}.report_loads`
WHERE day > DATE_SUB({today}, INTERVAL 60 DAY)
ORDER BY channel_id
LIMIT 5000
