-- All channels together, day by day: only where the aggregation setting says why.
SELECT TIMESTAMP(date, 'America/Los_Angeles') AS time, views, engaged_views, CAST(watch_time_minutes AS FLOAT64) AS watch_time_minutes
FROM `{dataset}.network_daily`
WHERE date BETWEEN {first_day} AND {today}
ORDER BY time
