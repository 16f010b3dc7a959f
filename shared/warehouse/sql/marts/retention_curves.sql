-- Each video's newest audience retention curve, point by point.
-- Unique: channel_id, video_id, elapsed. Never NULL: channel_id, video_id, elapsed, as_of. Days: all (a curve has no day).
-- channel_id: the channel
-- video_id: the video
-- elapsed: how far into the video, from 0.01 to 1
-- watching: viewers at this point for each start; above 1 where people wind back
-- relative: how that compares with YouTube's videos of its length, from 0 (worst) to 1 (best)
-- start_day: the first Pacific day that the curve is about
-- end_day: the last
-- as_of: when Analytics was asked
SELECT channel_id, video_id, elapsed, watching, relative, start_day, end_day, as_of
FROM `{dataset}.retention_points`
