-- Where each video was watched on each Pacific day, as its bulk report says.
-- Unique: channel_id, date, video_id, playback_location_type, playback_location_detail. Never NULL: channel_id, date, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
-- playback_location_type: the code that YouTube's report has
-- playback_location: what the code means; the code itself where nobody has said
-- playback_location_detail: the site that it was embedded in, where YouTube tells
-- views: how often it was watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- as_of: when the newest report about it was issued
SELECT
  counted.channel_id,
  counted.date,
  counted.video_id,
  counted.playback_location_type,
  IFNULL(MAX(location_names.name), counted.playback_location_type) AS playback_location,
  counted.playback_location_detail,
  SUM(counted.views) AS views,
  SUM(counted.engaged_views) AS engaged_views,
  ROUND(CAST(SUM(counted.watch_time_minutes) AS BIGNUMERIC), 2) AS watch_time_minutes,
  ROUND(
    CAST(
      SAFE_DIVIDE(SUM(counted.watch_time_minutes) * 60, SUM(counted.engaged_views)) AS BIGNUMERIC
    ),
    2
  ) AS average_view_duration,
  MAX(counted.as_of) AS as_of
FROM `{dataset}.channel_playback_location` AS counted
LEFT JOIN `{dataset}.code_names` AS location_names
  ON location_names.dimension = 'playback_location_type' AND location_names.code = counted.playback_location_type
GROUP BY channel_id, date, video_id, playback_location_type, playback_location_detail
