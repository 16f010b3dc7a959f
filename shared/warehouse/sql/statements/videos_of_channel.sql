-- Some of a channel's videos in `video_performance`, without their curves.
SELECT * EXCEPT (retention_data)
FROM `{dataset}.video_performance`
WHERE channel_id = @channel AND video_id IN UNNEST(@videos)
