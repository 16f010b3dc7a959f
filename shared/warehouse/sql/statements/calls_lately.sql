-- How often each endpoint was called lately, failed and was slow, by what it said: since an hour, and since minutes.
SELECT
  endpoint,
  IFNULL(reason, '') AS reason,
  COUNT(*) AS calls,
  COUNTIF(status = 'error') AS errors,
  COUNTIF(response_time_ms > @slow) AS slow,
  COUNTIF(created_at >= @lately) AS calls_lately,
  COUNTIF(created_at >= @lately AND status = 'error') AS errors_lately,
  COUNTIF(created_at >= @lately AND response_time_ms > @slow) AS slow_lately
FROM `{dataset}.youtube_api_calls`
WHERE date >= @first AND created_at >= @since
GROUP BY endpoint, reason
