-- The endpoints that answered for some channels since a Pacific day.
SELECT channel_id, endpoint
FROM `{dataset}.youtube_api_calls`
WHERE date >= @since AND status = 'success' AND channel_id IN UNNEST(@channels)
GROUP BY channel_id, endpoint
