-- Why calls failed, the most frequent reason first.
SELECT
  IFNULL(reason, 'no answer') AS reason,
  http_status,
  COUNT(*) AS calls,
  COUNT(DISTINCT channel_id) AS channels,
  STRING_AGG(DISTINCT endpoint, ', ' ORDER BY endpoint) AS endpoints,
  MIN(created_at) AS first,
  MAX(created_at) AS last
FROM {calls} AS calls
WHERE status = 'error'
GROUP BY reason, http_status
ORDER BY calls DESC, reason
LIMIT 100
