-- What each video did in each country on each Pacific day, as its bulk report says.
-- Unique: channel_id, date, video_id, country_code. Never NULL: channel_id, date, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
-- country_code: the country, two letters; NULL below YouTube's privacy threshold
-- views: how often it was watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- as_of: when the newest report about it was issued
SELECT
  counted.channel_id,
  counted.date,
  counted.video_id,
  counted.country_code,
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
FROM `{dataset}.channel_basic` AS counted
GROUP BY channel_id, date, video_id, country_code
