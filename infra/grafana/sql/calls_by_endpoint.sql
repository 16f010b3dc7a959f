-- Success and latency of each endpoint: the guide's second query.
SELECT
  endpoint,
  ROUND(100 * COUNTIF(status = 'success') / COUNT(*), 2) AS success_rate,
  ROUND(AVG(response_time_ms), 1) AS avg_latency,
  ROUND(ARRAY_AGG(response_time_ms ORDER BY response_time_ms)[ORDINAL(CAST(CEIL(0.50 * COUNT(*)) AS INT64))], 1) AS p50,
  ROUND(ARRAY_AGG(response_time_ms ORDER BY response_time_ms)[ORDINAL(CAST(CEIL(0.95 * COUNT(*)) AS INT64))], 1) AS p95,
  COUNT(*) AS total_calls,
  COUNTIF(attempt > 1) AS replayed,
  MAX(IF(status = 'error', created_at, NULL)) AS last_error
FROM {calls} AS calls
GROUP BY endpoint
ORDER BY success_rate, total_calls DESC, endpoint
