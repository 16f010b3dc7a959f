-- Which part of the product spent the units of a bucket, hour by hour.
SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS time, CONCAT(bucket, ': ', feature) AS spent_by, SUM(quota_cost) AS units
FROM {calls} AS calls
GROUP BY time, spent_by
HAVING units > 0
ORDER BY time, spent_by
