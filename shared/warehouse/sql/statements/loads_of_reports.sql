-- Of these reports, those that the manifest names, and the load that counts for each and each connection. Their days
-- say which partitions are read.
SELECT report_id, load_id, row_count
FROM `{dataset}.report_loads`
WHERE day BETWEEN @first AND @last AND report_id IN UNNEST(@ids)
QUALIFY ROW_NUMBER() OVER (PARTITION BY report_id, SUBSTR(load_id, -24) ORDER BY load_id DESC) = 1
