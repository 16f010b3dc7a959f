-- One row a video: the analytics schema of the owner's guide, column for column, then what it leaves open. This file,
-- on top of `video_totals`, is the rule by which sources are merged:
--   1. Counts are the sums of what bulk reports say, from `counted_from` on: exact, explained by day, and with what
--      the public counter lacks (dislikes, shares, watch time). Analytics' history is never added to them.
--   2. The public counters, which reach back to the video's birth, stand beside them as `lifetime_...` with their time:
--      they are other numbers (another definition, rounded, corrected at other times), not a better sum.
--   3. Retention is the newest curve that Analytics gave.
--   4. What no source has is NULL, and the column's reason says why.
-- Unique: channel_id, video_id. Never NULL: channel_id, video_id, gone. Days: all (the counts are over a lifetime).
-- video_id: the video
-- published_at: when it was published, as the Data API says
-- views: how often it was watched, in all reports about it
-- likes: likes given, less those taken back
-- dislikes: dislikes given, less those taken back
-- comments: comments
-- shares: how often it was shared
-- watch_time_minutes: how long it was watched
-- retention_data: a list of {"at", "watching", "relative"}: which part of the video, the part of starts that watched
--   there, and how that compares with videos of its length
-- channel_id: its channel
-- engaged_views: views beyond the first seconds
-- counted_from: the first Pacific day of which a report tells of it; counts begin here
-- counted_to: the last such day
-- lifetime_views: the public counter
-- lifetime_likes: the public counter
-- lifetime_comments: the public counter
-- lifetime_as_of: when the public counters were read
-- retention_as_of: when Analytics was asked for the curve
-- gone: TRUE when YouTube no longer has the video
-- published_at_reason: why `published_at` is NULL
-- counts_reason: why the counts are NULL
-- retention_data_reason: why `retention_data` is NULL
-- as_of: when the newest report about it was issued
WITH
asked AS (
  SELECT channel_id, subject, asked_at, reason
  FROM `{dataset}.analytics_loads`
  WHERE query = 'retention' AND subject IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id, subject ORDER BY asked_at DESC, load_id) = 1
),
-- What was refused when a channel was last asked about is the reason for videos that nobody asked about, too.
last_asked AS (
  SELECT channel_id, reason
  FROM `{dataset}.analytics_loads`
  WHERE query = 'channel_daily'
  QUALIFY ROW_NUMBER() OVER (PARTITION BY channel_id ORDER BY asked_at DESC, load_id) = 1
),
parts AS (
  SELECT
    channel_id,
    video_id,
    STRUCT(
      published_at AS published_at,
      counted_rows AS counted_rows,
      views AS views,
      likes AS likes,
      dislikes AS dislikes,
      comments AS comments,
      shares AS shares,
      watch_time_minutes AS watch_time_minutes,
      engaged_views AS engaged_views,
      counted_from AS counted_from,
      counted_to AS counted_to,
      as_of AS as_of,
      lifetime_views AS lifetime_views,
      lifetime_likes AS lifetime_likes,
      lifetime_comments AS lifetime_comments,
      lifetime_as_of AS lifetime_as_of,
      gone AS gone,
      published_at_reason AS published_at_reason
    ) AS total,
    NULL AS point,
    NULL AS asked
  FROM `{dataset}.video_totals`
  UNION ALL
  SELECT
    channel_id,
    video_id,
    NULL,
    STRUCT(elapsed AS elapsed, watching AS watching, relative AS relative, as_of AS as_of),
    NULL
  FROM `{dataset}.retention_points`
  UNION ALL
  SELECT
    channel_id,
    subject,
    NULL, NULL,
    STRUCT(asked_at AS asked_at, reason AS reason)
  FROM asked
),
merged AS (
  SELECT
    channel_id,
    video_id,
    MAX(total.published_at) AS published_at,
    IFNULL(MAX(total.counted_rows), 0) AS counted_rows,
    MAX(total.views) AS views,
    MAX(total.likes) AS likes,
    MAX(total.dislikes) AS dislikes,
    MAX(total.comments) AS comments,
    MAX(total.shares) AS shares,
    MAX(total.watch_time_minutes) AS watch_time_minutes,
    MAX(total.engaged_views) AS engaged_views,
    MAX(total.counted_from) AS counted_from,
    MAX(total.counted_to) AS counted_to,
    MAX(total.as_of) AS as_of,
    MAX(total.lifetime_views) AS lifetime_views,
    MAX(total.lifetime_likes) AS lifetime_likes,
    MAX(total.lifetime_comments) AS lifetime_comments,
    MAX(total.lifetime_as_of) AS lifetime_as_of,
    IFNULL(LOGICAL_OR(total.gone), FALSE) AS gone,
    MAX(total.published_at_reason) AS published_at_reason,
    ARRAY_AGG(
      IF(
        point.elapsed IS NULL,
        NULL,
        STRUCT(point.elapsed AS `at`, point.watching AS watching, point.relative AS relative)
      ) IGNORE NULLS ORDER BY point.elapsed
    ) AS curve,
    MAX(point.as_of) AS retention_as_of,
    COUNT(asked.asked_at) AS asked_times,
    MAX(asked.reason) AS refused
  FROM parts
  GROUP BY channel_id, video_id
)
SELECT
  video_id,
  published_at,
  views,
  likes,
  dislikes,
  comments,
  shares,
  watch_time_minutes,
  IF(retention_as_of IS NULL, NULL, TO_JSON(curve)) AS retention_data,
  merged.channel_id,
  engaged_views,
  counted_from,
  counted_to,
  lifetime_views,
  lifetime_likes,
  lifetime_comments,
  lifetime_as_of,
  retention_as_of,
  gone,
  IF(
    published_at IS NULL,
    IFNULL(published_at_reason, 'not yet: the Data API has not been asked about the video'),
    NULL
  ) AS published_at_reason,
  IF(counted_rows = 0, 'not yet: no report tells of the video', NULL) AS counts_reason,
  CASE
    WHEN retention_as_of IS NOT NULL THEN NULL
    WHEN refused IS NOT NULL THEN CONCAT('refused: ', refused)
    WHEN asked_times > 0 THEN 'empty: YouTube tells no curve of a video that few have watched'
    WHEN gone THEN 'gone: YouTube no longer has the video'
    WHEN last_asked.reason = 'insufficientPermissions' THEN 'refused: the permission was not given'
    WHEN last_asked.reason = 'reauthRequired' THEN 'refused: the permission was withdrawn'
    ELSE 'not yet: Analytics has not been asked for it'
  END AS retention_data_reason,
  as_of
FROM merged
LEFT JOIN last_asked
  ON last_asked.channel_id = merged.channel_id
