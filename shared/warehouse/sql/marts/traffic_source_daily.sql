-- How viewers came to each video on each Pacific day, as its bulk report says.
-- Unique: channel_id, date, video_id, traffic_source_type, traffic_source_detail. Never NULL: channel_id, date, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
-- traffic_source_type: the code that YouTube's report has
-- traffic_source: what the code means; the code itself where nobody has said
-- traffic_source_detail: the search, the page, the video or the playlist that they came from, where YouTube tells
-- views: how often it was watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- as_of: when the newest report about it was issued
SELECT
  counted.channel_id,
  counted.date,
  counted.video_id,
  counted.traffic_source_type,
  IFNULL(MAX(source_names.name), counted.traffic_source_type) AS traffic_source,
  counted.traffic_source_detail,
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
FROM `{dataset}.channel_traffic_source` AS counted
LEFT JOIN `{dataset}.code_names` AS source_names
  ON source_names.dimension = 'traffic_source_type' AND source_names.code = counted.traffic_source_type
GROUP BY channel_id, date, video_id, traffic_source_type, traffic_source_detail
