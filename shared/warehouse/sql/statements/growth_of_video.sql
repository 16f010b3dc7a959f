-- The newest readings of a video's public counts.
SELECT as_of, views, likes, comments, views_gained, views_per_hour
FROM `{dataset}.video_growth`
WHERE channel_id = @channel AND video_id = @video
ORDER BY as_of DESC
LIMIT 500
