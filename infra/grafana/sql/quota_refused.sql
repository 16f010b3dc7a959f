-- Calls that YouTube refused for a quota or a rate, hour by hour. What the ledger refuses is never sent, and not here.
SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS time, CONCAT(bucket, ': ', IFNULL(reason, 'unknown')) AS refused, COUNT(*) AS calls
FROM {calls} AS calls
WHERE http_status = 429 OR REGEXP_CONTAINS(IFNULL(reason, ''), '(quota|[lL]imit)')
GROUP BY time, refused
ORDER BY time, refused
