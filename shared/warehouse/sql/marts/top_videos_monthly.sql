-- Each channel's most watched videos of each month, at most 200, as Analytics says: from the channel's birth on.
-- Unique: channel_id, date, video_id. Never NULL: channel_id, date, video_id, truncated, as_of. Days: date.
-- channel_id: the channel
-- date: the month's first day
-- video_id: the video
-- views: how often it was watched
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- likes: likes given, less those taken back
-- comments: comments
-- shares: how often it was shared
-- subscribers_gained: who subscribed from it
-- truncated: TRUE when there were as many rows as YouTube gives, so that videos may be missing
-- as_of: when Analytics was asked
SELECT
  channel_id,
  date,
  video_id,
  CAST(CAST(JSON_VALUE(metrics, '$.views') AS NUMERIC) AS INT64) AS views,
  CAST(JSON_VALUE(metrics, '$.estimatedMinutesWatched') AS NUMERIC) AS watch_time_minutes,
  CAST(JSON_VALUE(metrics, '$.averageViewDuration') AS NUMERIC) AS average_view_duration,
  CAST(CAST(JSON_VALUE(metrics, '$.likes') AS NUMERIC) AS INT64) AS likes,
  CAST(CAST(JSON_VALUE(metrics, '$.comments') AS NUMERIC) AS INT64) AS comments,
  CAST(CAST(JSON_VALUE(metrics, '$.shares') AS NUMERIC) AS INT64) AS shares,
  CAST(CAST(JSON_VALUE(metrics, '$.subscribersGained') AS NUMERIC) AS INT64) AS subscribers_gained,
  truncated,
  asked_at AS as_of
FROM `{dataset}.current_analytics`
WHERE query = 'top_videos_monthly' AND video_id IS NOT NULL
