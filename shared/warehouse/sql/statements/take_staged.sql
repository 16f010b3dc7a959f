-- Appends the rows of some staged reports to their report type's table, each under its load id; a row that stands
-- twice in its file once. What cannot be read as its column's type was found before.
INSERT INTO `{dataset}.{table}` (load_id, report_id, {names}, extra)
WITH
staged AS ({staged}),
wanted AS (
  SELECT JSON_VALUE(entry, '$.report_id') AS wanted_id, JSON_VALUE(entry, '$.load_id') AS wanted_load
  FROM UNNEST(JSON_QUERY_ARRAY(@loads)) AS entry
)
SELECT wanted_load, report_id, {values}, PARSE_JSON(NULLIF(extra, ''))
FROM staged
CROSS JOIN wanted
WHERE wanted_id = report_id
QUALIFY
  IFNULL(video_id, '') = ''
  OR ROW_NUMBER() OVER (PARTITION BY report_id, {row} ORDER BY report_id) = 1
