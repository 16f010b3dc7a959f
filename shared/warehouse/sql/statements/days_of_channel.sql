-- A channel's Pacific days in `youtube_metrics`, first and last included.
SELECT *
FROM `{dataset}.youtube_metrics`
WHERE channel_id = @channel AND date BETWEEN @start AND @end
