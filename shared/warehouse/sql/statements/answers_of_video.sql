-- When the Analytics API was asked for a video's retention, the newest answer first.
SELECT load_id, kind, start_day, end_day, asked_at, row_count, reason
FROM `{dataset}.analytics_loads`
WHERE channel_id = @channel AND query = 'retention' AND subject = @video
ORDER BY asked_at DESC, load_id
LIMIT 10
