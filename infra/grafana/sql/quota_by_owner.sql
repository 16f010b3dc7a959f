-- For whom the units of the range were spent.
SELECT bucket, user_id, COUNT(*) AS calls, SUM(quota_cost) AS units
FROM {calls} AS calls
GROUP BY bucket, user_id
HAVING units > 0
ORDER BY units DESC, bucket, user_id
LIMIT 100
