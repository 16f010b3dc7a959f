-- Views by device, traffic source and so on that do not come to the channel's views of the day. YouTube leaves out
-- rows below its privacy threshold, so parts may fall short by some of them; they are never more than the whole.
SELECT
  whole.channel_id,
  whole.date,
  '{type}: views of all rows' AS what,
  CAST(part.views AS FLOAT64) AS value,
  CAST(whole.views AS FLOAT64) AS expected
FROM (
  SELECT channel_id, date, SUM(views) AS views
  FROM `{dataset}.channel_basic`
  WHERE date >= @since
  GROUP BY channel_id, date
) AS whole
JOIN (
  SELECT raw.channel_id, raw.date, SUM(raw.views) AS views
  FROM `{dataset}.{table}` AS raw
  JOIN `{dataset}.current_reports` AS current_reports
    ON raw.report_id = current_reports.report_id
    AND raw.load_id = current_reports.load_id
  WHERE raw.date >= @since AND current_reports.day >= @since
  GROUP BY raw.channel_id, raw.date
) AS part
  ON part.channel_id = whole.channel_id
  AND part.date = whole.date
WHERE part.views > whole.views OR part.views < whole.views * (1 - @threshold)
