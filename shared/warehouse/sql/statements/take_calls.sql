-- Takes rows of the call log that are not there yet, so that each call is there once however often it is delivered.
-- An INSERT, as for reports: whoever delivers a call again does so minutes later. The days bound what is read.
INSERT INTO `{dataset}.youtube_api_calls`
  (created_at, date, endpoint, bucket, quota_cost, status, http_status, reason, response_time_ms, attempt, feature,
   channel_id, user_id, operation_id, call_id)
SELECT
  CAST(JSON_VALUE(entry, '$.created_at') AS TIMESTAMP),
  CAST(JSON_VALUE(entry, '$.date') AS DATE),
  JSON_VALUE(entry, '$.endpoint'),
  JSON_VALUE(entry, '$.bucket'),
  CAST(JSON_VALUE(entry, '$.quota_cost') AS INT64),
  JSON_VALUE(entry, '$.status'),
  CAST(JSON_VALUE(entry, '$.http_status') AS INT64),
  JSON_VALUE(entry, '$.reason'),
  CAST(JSON_VALUE(entry, '$.response_time_ms') AS FLOAT64),
  CAST(JSON_VALUE(entry, '$.attempt') AS INT64),
  JSON_VALUE(entry, '$.feature'),
  JSON_VALUE(entry, '$.channel_id'),
  JSON_VALUE(entry, '$.user_id'),
  JSON_VALUE(entry, '$.operation_id'),
  JSON_VALUE(entry, '$.call_id')
FROM UNNEST(JSON_QUERY_ARRAY(@entries)) AS entry
WHERE JSON_VALUE(entry, '$.call_id') NOT IN (
  SELECT call_id FROM `{dataset}.youtube_api_calls` WHERE date BETWEEN @first AND @last
)
