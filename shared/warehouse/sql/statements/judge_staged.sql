-- What each report of a staging table holds: its rows, what stands in them twice, and what is wrong with them.
-- A text that is empty in the file is an empty text or NULL here, as the engine likes.
WITH
staged AS (SELECT report_id, {named}, extra FROM `{dataset}.{staging}`),
asked AS (
  SELECT
    JSON_VALUE(entry, '$.report_id') AS asked_id,
    JSON_VALUE(entry, '$.channel_id') AS asked_channel,
    REPLACE(JSON_VALUE(entry, '$.day'), '-', '') AS asked_day
  FROM UNNEST(JSON_QUERY_ARRAY(@reports)) AS entry
)
SELECT
  staged.report_id,
  COUNT(*) AS row_count,
  -- Rows about a video are one a combination of dimensions; those about none may be alike.
  COUNTIF(staged.video_id != '') - COUNT(DISTINCT IF(staged.video_id != '', {row}, NULL)) AS repeated,
  COUNT(DISTINCT IF(staged.video_id != '', {row}, NULL))
    - COUNT(DISTINCT IF(staged.video_id != '', {subject}, NULL)) AS contradicting,
  COUNTIF(
    NOT REGEXP_CONTAINS(IFNULL(staged.date, ''), r'^([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})$')
    OR REPLACE(staged.date, '-', '') != asked.asked_day
    OR IFNULL(staged.channel_id, '') != asked.asked_channel
  ) AS foreign_rows,
  CONCAT({broken}) AS broken,
  CONCAT({partly_empty}) AS partly_empty
FROM staged
JOIN asked ON asked.asked_id = staged.report_id
GROUP BY staged.report_id
