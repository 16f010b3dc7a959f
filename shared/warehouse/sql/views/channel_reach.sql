-- The rows of channel_reach_basic_a1 that count.
SELECT
  raw.* EXCEPT (load_id) REPLACE (NULLIF(raw.video_id, '') AS video_id),
  current_reports.create_time AS as_of
FROM `{dataset}.report_channel_reach_basic_a1` AS raw
JOIN `{dataset}.current_reports` AS current_reports
  ON raw.report_id = current_reports.report_id
  AND raw.load_id = current_reports.load_id
  AND raw.date = current_reports.day
