-- When the Data API was asked about a video, the newest answer first.
SELECT load_id, as_of AS asked_at, IF(gone, 'gone', NULL) AS reason
FROM `{dataset}.video_metadata`
WHERE channel_id = @channel AND video_id = @video
ORDER BY as_of DESC, load_id
LIMIT 10
