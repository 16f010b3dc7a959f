-- One row a video that a report or the Data API tells of: the counts of `video_performance`, without retention curves, so
-- that whoever needs none reads three tables.
WITH
parts AS (
  SELECT
    channel_id,
    video_id,
    STRUCT(
      date AS date,
      as_of AS as_of,
      views AS views,
      engaged_views AS engaged_views,
      likes AS likes,
      dislikes AS dislikes,
      comments AS comments,
      shares AS shares,
      watch_time_minutes AS watch_time_minutes
    ) AS counted,
    NULL AS video
  FROM `{dataset}.channel_basic`
  WHERE video_id IS NOT NULL
  UNION ALL
  SELECT
    channel_id,
    video_id,
    NULL,
    STRUCT(
      published_at AS published_at,
      counted_views AS counted_views,
      counted_likes AS counted_likes,
      counted_comments AS counted_comments,
      as_of AS as_of,
      gone AS gone
    )
  FROM `{dataset}.videos`
),
merged AS (
  SELECT
    channel_id,
    video_id,
    MAX(video.published_at) AS published_at,
    COUNT(counted.date) AS counted_rows,
    SUM(counted.views) AS views,
    SUM(counted.likes) AS likes,
    SUM(counted.dislikes) AS dislikes,
    SUM(counted.comments) AS comments,
    SUM(counted.shares) AS shares,
    ROUND(CAST(SUM(counted.watch_time_minutes) AS BIGNUMERIC), 2) AS watch_time_minutes,
    SUM(counted.engaged_views) AS engaged_views,
    MIN(counted.date) AS counted_from,
    MAX(counted.date) AS counted_to,
    MAX(counted.as_of) AS as_of,
    MAX(video.counted_views) AS lifetime_views,
    MAX(video.counted_likes) AS lifetime_likes,
    MAX(video.counted_comments) AS lifetime_comments,
    MAX(video.as_of) AS lifetime_as_of,
    IFNULL(LOGICAL_OR(video.gone), FALSE) AS gone
  FROM parts
  GROUP BY channel_id, video_id
)
SELECT
  *,
  CASE
    WHEN published_at IS NOT NULL THEN NULL
    WHEN gone THEN 'gone: YouTube no longer has the video'
    WHEN lifetime_as_of IS NULL THEN 'not yet: the Data API has not been asked about the video'
    ELSE 'absent: the Data API did not tell it'
  END AS published_at_reason,
  IF(counted_rows = 0, 'not yet: no report tells of the video', NULL) AS counts_reason
FROM merged
