-- Calls that read public counts, and what they cost, hour by hour.
SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS time, COUNT(*) AS calls, SUM(quota_cost) AS units, COUNTIF(status = 'error') AS failed
FROM {calls} AS calls
WHERE feature = 'statistics'
GROUP BY time
ORDER BY time
