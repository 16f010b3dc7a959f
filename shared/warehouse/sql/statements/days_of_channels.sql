-- The Pacific days of many channels in `youtube_metrics`, first and last included.
SELECT *
FROM `{dataset}.youtube_metrics`
WHERE channel_id IN UNNEST(@channels) AND date BETWEEN @start AND @end
ORDER BY channel_id
