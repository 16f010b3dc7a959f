-- What the units of the range were spent on.
SELECT bucket, feature, endpoint, COUNT(*) AS calls, SUM(quota_cost) AS units
FROM {calls} AS calls
GROUP BY bucket, feature, endpoint
HAVING units > 0
ORDER BY units DESC, bucket, feature, endpoint
LIMIT 100
