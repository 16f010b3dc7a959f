-- Every video that the Data API has told of, as it was last read.
-- Unique: channel_id, video_id. Never NULL: channel_id, video_id, as_of, gone. Days: all (only the newest counts).
-- channel_id: the channel
-- video_id: the video
-- title: its title; NULL once YouTube no longer has the video
-- published_at: when it was published; of one that was private first, when it was made public
-- duration_seconds: how long it is
-- privacy: public, unlisted or private
-- counted_views: the public counter when it was read; NULL where YouTube hides it
-- counted_likes: likewise
-- counted_comments: likewise
-- as_of: when all this was read
-- gone: TRUE when YouTube no longer has the video, twice asked
SELECT
  channel_id,
  video_id,
  title,
  published_at,
  duration_seconds,
  privacy,
  views AS counted_views,
  likes AS counted_likes,
  comments AS counted_comments,
  as_of,
  gone
FROM `{dataset}.video_metadata`
QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id, video_id ORDER BY as_of DESC, load_id) = 1
