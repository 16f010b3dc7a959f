-- Click-through rates above 1: a fraction that was written in per cent.
SELECT
  raw.channel_id,
  raw.date,
  '{type}: the highest click-through rate' AS what,
  MAX(raw.video_thumbnail_impressions_ctr) AS value,
  @threshold AS expected
FROM `{dataset}.{table}` AS raw
JOIN `{dataset}.current_reports` AS current_reports
  ON raw.report_id = current_reports.report_id
  AND raw.load_id = current_reports.load_id
WHERE raw.date >= @since AND current_reports.day >= @since
GROUP BY raw.channel_id, raw.date
HAVING MAX(raw.video_thumbnail_impressions_ctr) > @threshold
