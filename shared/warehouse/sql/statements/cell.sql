-- A channel's Pacific day in `youtube_metrics`.
SELECT *
FROM `{dataset}.youtube_metrics`
WHERE channel_id = @channel AND date = @day
