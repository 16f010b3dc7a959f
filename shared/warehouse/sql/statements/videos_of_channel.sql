-- What reports and the Data API tell of some of a channel's videos.
SELECT *
FROM `{dataset}.video_totals`
WHERE channel_id = @channel AND video_id IN UNNEST(@videos)
