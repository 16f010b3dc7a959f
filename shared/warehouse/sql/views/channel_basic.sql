-- The rows of channel_basic_a3 that count. A NULL video_id or country_code is an event of the channel itself, of a
-- deleted video, or one below YouTube's privacy threshold: it belongs in every total.
-- BigQuery loads an absent text as an empty one, which NULLIF undoes.
SELECT
  raw.* EXCEPT (load_id) REPLACE (
    NULLIF(raw.video_id, '') AS video_id,
    NULLIF(raw.country_code, '') AS country_code
  ),
  current_reports.create_time AS as_of
FROM `{dataset}.report_channel_basic_a3` AS raw
JOIN `{dataset}.current_reports` AS current_reports
  ON raw.report_id = current_reports.report_id
  AND raw.load_id = current_reports.load_id
  AND raw.date = current_reports.day
