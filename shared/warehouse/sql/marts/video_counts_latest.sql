-- Each video's newest public counts, and as of when they are.
-- Unique: channel_id, video_id. Never NULL: channel_id, video_id, as_of. Days: all (only the newest counts).
-- channel_id: the channel
-- video_id: the video
-- views: the public counter; NULL where YouTube does not tell it
-- likes: likewise
-- comments: likewise
-- as_of: when it was read
SELECT
  channel_id,
  video_id,
  views,
  likes,
  comments,
  as_of
FROM `{dataset}.video_counts`
QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id, video_id ORDER BY as_of DESC, load_id) = 1
