-- All channels' views on each of the newest days that have any.
SELECT
  date,
  IFNULL(SUM(views), 0) AS views,
  IFNULL(SUM(engaged_views), 0) AS engaged_views,
  COUNT(*) AS channels
FROM `{dataset}.youtube_metrics`
WHERE date >= @since AND views IS NOT NULL
GROUP BY date
ORDER BY date DESC
LIMIT 60
