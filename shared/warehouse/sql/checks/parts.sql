-- Views by device, traffic source and so on that do not come to the channel's views of the day, in all rows and in those
-- of each country. YouTube leaves out rows below its privacy threshold, and countries of small rows, so parts may fall
-- short of the whole by some of them, and of a country by any number; they are never more than either.
SELECT
  whole.channel_id,
  whole.date,
  CONCAT('{type}: views of ', whole.of_rows) AS what,
  CAST(part.views AS FLOAT64) AS value,
  CAST(whole.views AS FLOAT64) AS expected
FROM (
  SELECT channel_id, date, of_rows, SUM(views) AS views
  FROM `{dataset}.channel_basic`
  CROSS JOIN UNNEST(['all rows', CONCAT('rows of ', IFNULL(country_code, ''))]) AS of_rows
  WHERE date >= @since
  GROUP BY channel_id, date, of_rows
) AS whole
JOIN (
  SELECT raw.channel_id, raw.date, of_rows, SUM(raw.views) AS views
  FROM `{dataset}.{table}` AS raw
  JOIN `{dataset}.current_reports` AS current_reports
    ON raw.report_id = current_reports.report_id
    AND raw.load_id = current_reports.load_id
  CROSS JOIN UNNEST(['all rows', CONCAT('rows of ', IFNULL(raw.country_code, ''))]) AS of_rows
  WHERE raw.date >= @since AND current_reports.day >= @since
  GROUP BY raw.channel_id, raw.date, of_rows
) AS part
  ON part.channel_id = whole.channel_id
  AND part.date = whole.date
  AND part.of_rows = whole.of_rows
WHERE whole.of_rows != 'rows of '
  AND (
    part.views > whole.views
    OR (whole.of_rows = 'all rows' AND part.views < whole.views * (1 - @threshold))
  )
