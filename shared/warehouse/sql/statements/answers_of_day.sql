-- When the Analytics API was asked about a channel's day by one query, the newest answer first.
SELECT load_id, kind, start_day, end_day, asked_at, row_count, reason
FROM `{dataset}.analytics_loads`
WHERE channel_id = @channel AND query = @query AND @day BETWEEN start_day AND end_day
ORDER BY asked_at DESC, load_id
LIMIT 10
