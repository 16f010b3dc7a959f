-- What each video did on each Pacific day, as its bulk report says; its title and more are in `videos`.
-- Unique: channel_id, date, video_id. Never NULL: channel_id, date, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none: the channel itself, a deleted video, or too few viewers
-- views: how often it was watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- likes: likes given, less those taken back
-- dislikes: dislikes given, less those taken back
-- comments: comments
-- shares: how often it was shared
-- subscribers_gained: who subscribed from it
-- subscribers_lost: who ended a subscription from it
-- added_to_playlists: how often it was put on a playlist
-- removed_from_playlists: how often it was taken off one
-- as_of: when the report was issued
SELECT
  channel_id,
  date,
  video_id,
  SUM(views) AS views,
  SUM(engaged_views) AS engaged_views,
  ROUND(CAST(SUM(watch_time_minutes) AS BIGNUMERIC), 2) AS watch_time_minutes,
  ROUND(
    CAST(SAFE_DIVIDE(SUM(watch_time_minutes) * 60, SUM(engaged_views)) AS BIGNUMERIC),
    2
  ) AS average_view_duration,
  SUM(likes) AS likes,
  SUM(dislikes) AS dislikes,
  SUM(comments) AS comments,
  SUM(shares) AS shares,
  SUM(subscribers_gained) AS subscribers_gained,
  SUM(subscribers_lost) AS subscribers_lost,
  SUM(videos_added_to_playlists) AS added_to_playlists,
  SUM(videos_removed_from_playlists) AS removed_from_playlists,
  MAX(as_of) AS as_of
FROM `{dataset}.channel_basic`
GROUP BY channel_id, date, video_id
