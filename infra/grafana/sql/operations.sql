-- Every publishing operation of the range as its calls show it, the newest first.
SELECT
  operation_id,
  ANY_VALUE(channel_id) AS channel_id,
  MIN(created_at) AS first_call,
  MAX(created_at) AS last_call,
  COUNT(*) AS calls,
  SUM(quota_cost) AS units,
  COUNTIF(status = 'error') AS failed,
  LOGICAL_OR(endpoint = 'youtube.videos.insert' AND status = 'success') AS uploaded,
  ANY_VALUE(reason HAVING MAX IF(status = 'error', created_at, NULL)) AS last_reason
FROM {calls} AS calls
WHERE operation_id IS NOT NULL
GROUP BY operation_id
ORDER BY last_call DESC, operation_id
LIMIT 200
