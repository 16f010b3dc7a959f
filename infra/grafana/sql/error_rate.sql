-- The part of calls that failed, in each quarter of an hour with at least 20 calls of an endpoint.
SELECT
  TIMESTAMP_SECONDS(DIV(UNIX_SECONDS(created_at), 900) * 900) AS time,
  endpoint,
  COUNTIF(status = 'error') / COUNT(*) AS error_rate
FROM {calls} AS calls
GROUP BY time, endpoint
HAVING COUNT(*) >= 20
ORDER BY time, endpoint
