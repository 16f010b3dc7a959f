-- Every connection that has rows of the newest days in one table, named in a manifest or not.
SELECT DISTINCT channel_id, SUBSTR(load_id, -24) AS connection
FROM `{dataset}.{table}`
WHERE CAST({partition} AS DATE) >= @since
