-- Each video's public counts in time, as they were read, with what was gained since the reading before.
-- How often a video is read depends on how fast it grows; between two readings nothing is made up.
-- Unique: channel_id, video_id, as_of. Never NULL: channel_id, video_id, as_of. Days: as_of.
-- channel_id: the channel
-- video_id: the video
-- as_of: when it was read
-- views: the public counter; NULL where YouTube does not tell it
-- likes: likewise
-- comments: likewise
-- hours: since the reading before; NULL for the first
-- views_gained: since the reading before; negative where YouTube takes views back
-- likes_gained: likewise
-- comments_gained: likewise
-- views_per_hour: views_gained by hours
SELECT
  channel_id,
  video_id,
  as_of,
  views,
  likes,
  comments,
  ROUND(TIMESTAMP_DIFF(as_of, LAG(as_of) OVER series, SECOND) / 3600, 4) AS hours,
  views - LAG(views) OVER series AS views_gained,
  likes - LAG(likes) OVER series AS likes_gained,
  comments - LAG(comments) OVER series AS comments_gained,
  ROUND(
    SAFE_DIVIDE(views - LAG(views) OVER series, TIMESTAMP_DIFF(as_of, LAG(as_of) OVER series, SECOND) / 3600),
    2
  ) AS views_per_hour
FROM (
  SELECT channel_id, video_id, as_of, views, likes, comments
  FROM `{dataset}.video_counts`
  QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id, video_id, as_of ORDER BY load_id) = 1
)
WINDOW series AS (PARTITION BY channel_id, video_id ORDER BY as_of)
