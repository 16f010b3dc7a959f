-- Rows of bulk reports that were loaded, hour by hour; what was loaded again counts again.
SELECT TIMESTAMP_TRUNC(loaded_at, HOUR) AS time, report_type, SUM(row_count) AS loaded_rows
FROM `{dataset}.report_loads`
WHERE day BETWEEN DATE_SUB({first_day}, INTERVAL 60 DAY) AND {today} AND loaded_at BETWEEN {from} AND {to} AND {chosen}
GROUP BY time, report_type
ORDER BY time, report_type
