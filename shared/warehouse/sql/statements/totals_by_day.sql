-- All channels' views on each of the newest days that have any.
SELECT date, views, engaged_views, channels
FROM `{dataset}.network_daily`
WHERE date >= @since AND channels > 0
ORDER BY date DESC
LIMIT 60
