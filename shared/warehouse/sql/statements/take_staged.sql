-- Appends the rows of some staged reports to their report type's table, under a load id; a row that stands twice
-- in its file once. What cannot be read as its column's type was found before.
INSERT INTO `{dataset}.{table}` (load_id, report_id, {names}, extra)
WITH staged AS (SELECT report_id, {named}, extra FROM `{dataset}.{staging}`)
SELECT @load_id, report_id, {values}, PARSE_JSON(NULLIF(extra, ''))
FROM staged
WHERE report_id IN UNNEST(@ids)
QUALIFY
  IFNULL(video_id, '') = ''
  OR ROW_NUMBER() OVER (PARTITION BY report_id, {row} ORDER BY report_id) = 1
