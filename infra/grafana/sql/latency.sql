-- How long 95 of 100 calls of an endpoint took, from sending to the last byte, in each quarter of an hour.
SELECT
  TIMESTAMP_SECONDS(DIV(UNIX_SECONDS(created_at), 900) * 900) AS time,
  endpoint,
  ARRAY_AGG(response_time_ms ORDER BY response_time_ms)[ORDINAL(CAST(CEIL(0.95 * COUNT(*)) AS INT64))] AS p95
FROM {calls} AS calls
GROUP BY time, endpoint
ORDER BY time, endpoint
