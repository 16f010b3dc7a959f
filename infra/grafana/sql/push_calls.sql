-- Calls to YouTube that notifications caused, and the looking for videos that no notification told of, hour by hour.
SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS time, endpoint, COUNT(*) AS calls
FROM {calls} AS calls
WHERE feature = 'push'
GROUP BY time, endpoint
ORDER BY time, endpoint
