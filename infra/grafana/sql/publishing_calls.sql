-- Calls of publishing operations, by what became of them, hour by hour.
SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS time, CONCAT(endpoint, ': ', status) AS what, COUNT(*) AS calls
FROM {calls} AS calls
WHERE operation_id IS NOT NULL
GROUP BY time, what
ORDER BY time, what
