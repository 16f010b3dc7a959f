-- What reports and the Data API tell of the videos of many channels that were published from a Pacific day on, as
-- `video_totals` tells it: all of it lies in the partitions from that day on, which alone are read. A video that was
-- read before that day, as one that was private, may have been reported before, too, and is left out: each known video
-- is read within 30 days.
WITH
read AS (
  SELECT
    channel_id,
    video_id,
    published_at,
    views,
    likes,
    comments,
    as_of,
    MIN(as_of) OVER (PARTITION BY channel_id, video_id) AS first_read
  FROM `{dataset}.video_metadata`
  WHERE channel_id IN UNNEST(@channels)
    AND as_of >= TIMESTAMP(DATE_SUB(@start, INTERVAL 31 DAY), 'America/Los_Angeles')
  QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id, video_id ORDER BY as_of DESC, load_id) = 1
),
counted AS (
  SELECT
    channel_id,
    video_id,
    SUM(views) AS views,
    SUM(engaged_views) AS engaged_views,
    ROUND(CAST(SUM(watch_time_minutes) AS BIGNUMERIC), 2) AS watch_time_minutes,
    SUM(likes) AS likes,
    SUM(dislikes) AS dislikes,
    SUM(comments) AS comments,
    SUM(shares) AS shares,
    MAX(as_of) AS as_of
  FROM `{dataset}.channel_basic`
  WHERE channel_id IN UNNEST(@channels) AND date >= @start AND video_id IS NOT NULL
  GROUP BY channel_id, video_id
)
SELECT
  read.channel_id,
  read.video_id,
  read.published_at,
  counted.views,
  counted.engaged_views,
  counted.watch_time_minutes,
  counted.likes,
  counted.dislikes,
  counted.comments,
  counted.shares,
  read.views AS lifetime_views,
  read.likes AS lifetime_likes,
  read.comments AS lifetime_comments,
  read.as_of AS lifetime_as_of,
  CAST(NULL AS STRING) AS published_at_reason,
  IF(counted.as_of IS NULL, 'not yet: no report tells of the video', NULL) AS counts_reason,
  counted.as_of
FROM read
LEFT JOIN counted
  ON counted.channel_id = read.channel_id AND counted.video_id = read.video_id
WHERE read.published_at >= TIMESTAMP(@start, 'America/Los_Angeles')
  AND read.first_read >= TIMESTAMP(@start, 'America/Los_Angeles')
QUALIFY ROW_NUMBER() OVER (PARTITION BY read.channel_id ORDER BY read.published_at DESC, read.video_id) <= 50
ORDER BY channel_id
