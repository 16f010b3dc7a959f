-- What each report of some staging tables holds: its rows, what stands in them twice, and what is wrong with them.
-- A text that is empty in the file is an empty text or NULL here, as the engine likes.
WITH
staged AS ({staged}),
asked AS (
  SELECT
    JSON_VALUE(entry, '$.report_id') AS asked_id,
    JSON_VALUE(entry, '$.channel_id') AS asked_channel,
    REPLACE(JSON_VALUE(entry, '$.day'), '-', '') AS asked_day
  FROM UNNEST(JSON_QUERY_ARRAY(@reports)) AS entry
),
-- Rows about a video are one a combination of dimensions; those about none may be alike.
compared AS (
  SELECT
    *,
    IF(video_id != '', {row}, NULL) AS whole,
    IF(video_id != '', {subject}, NULL) AS subject
  FROM staged
)
SELECT
  report_id,
  COUNT(*) AS row_count,
  COUNT(whole) - COUNT(DISTINCT whole) AS repeated,
  COUNT(DISTINCT whole) - COUNT(DISTINCT subject) AS contradicting,
  COUNTIF(
    NOT REGEXP_CONTAINS(IFNULL(date, ''), r'^([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})$')
    OR REPLACE(date, '-', '') != asked_day
    OR IFNULL(channel_id, '') != asked_channel
  ) AS foreign_rows,
  ARRAY_TO_STRING([{broken}], '') AS broken,
  ARRAY_TO_STRING([{partly_empty}], '') AS partly_empty
FROM compared
JOIN asked ON asked_id = report_id
GROUP BY report_id
