-- Names loaded reports in the manifest, which is what makes their rows visible; a report that is named for
-- the same connection (with which a load's id ends) is left alone.
-- An INSERT, because MERGE, UPDATE and DELETE of one table wait in a queue of 20 and fail beyond it. Two deliveries
-- that insert at once may both name a report; the views take one of the two, always the same.
INSERT INTO `{dataset}.report_loads`
  (report_id, load_id, channel_id, report_type, job_id, day, create_time, row_count, checksum, loaded_at, findings)
SELECT
  JSON_VALUE(entry, '$.report_id'),
  JSON_VALUE(entry, '$.load_id'),
  JSON_VALUE(entry, '$.channel_id'),
  JSON_VALUE(entry, '$.report_type'),
  JSON_VALUE(entry, '$.job_id'),
  CAST(JSON_VALUE(entry, '$.day') AS DATE),
  CAST(JSON_VALUE(entry, '$.create_time') AS TIMESTAMP),
  CAST(JSON_VALUE(entry, '$.row_count') AS INT64),
  JSON_VALUE(entry, '$.checksum'),
  CAST(JSON_VALUE(entry, '$.loaded_at') AS TIMESTAMP),
  JSON_VALUE(entry, '$.findings')
FROM UNNEST(JSON_QUERY_ARRAY(@entries)) AS entry
WHERE CONCAT(JSON_VALUE(entry, '$.report_id'), SUBSTR(JSON_VALUE(entry, '$.load_id'), -24)) NOT IN (
  SELECT CONCAT(report_id, SUBSTR(load_id, -24)) FROM `{dataset}.report_loads` WHERE day BETWEEN @first AND @last AND report_id IN UNNEST(@ids)
)
