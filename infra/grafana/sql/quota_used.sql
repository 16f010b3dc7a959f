-- Units used since the reset at midnight in Los Angeles, hour by hour: a running total for each bucket and quota day, of everybody.
SELECT time, bucket, used
FROM (
  SELECT time, bucket, SUM(units) OVER (PARTITION BY date, bucket ORDER BY time) AS used
  FROM (
    SELECT TIMESTAMP_TRUNC(created_at, HOUR) AS time, date, bucket, SUM(quota_cost) AS units
    FROM {every_call} AS calls
    GROUP BY time, date, bucket
  )
)
WHERE time >= TIMESTAMP_TRUNC({from}, HOUR)
ORDER BY time, bucket
