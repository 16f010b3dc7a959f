-- The rows of {type} that count: those of the newest issue of each channel's day.
-- A NULL video, country or other dimension is an event of the channel itself, of a deleted video, or one below
-- YouTube's privacy threshold: it belongs in every total. BigQuery loads an absent text as an empty one, which NULLIF
-- undoes.
SELECT
  raw.* EXCEPT (load_id) REPLACE ({dimensions}),
  current_reports.create_time AS as_of
FROM `{dataset}.{table}` AS raw
JOIN `{dataset}.current_reports` AS current_reports
  ON raw.report_id = current_reports.report_id
  AND raw.load_id = current_reports.load_id
  AND raw.date = current_reports.day
