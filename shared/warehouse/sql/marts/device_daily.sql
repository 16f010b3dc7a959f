-- With what each video was watched on each Pacific day, as its bulk report says.
-- Unique: channel_id, date, video_id, device_type, operating_system. Never NULL: channel_id, date, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
-- device_type: the code that YouTube's report has
-- device: what the code means; the code itself where nobody has said
-- operating_system: the code that YouTube's report has
-- operating_system_name: what the code means; the code itself where nobody has said
-- views: how often it was watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- as_of: when the newest report about it was issued
SELECT
  counted.channel_id,
  counted.date,
  counted.video_id,
  counted.device_type,
  IFNULL(MAX(device_names.name), counted.device_type) AS device,
  counted.operating_system,
  IFNULL(MAX(system_names.name), counted.operating_system) AS operating_system_name,
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
FROM `{dataset}.channel_device_os` AS counted
LEFT JOIN `{dataset}.code_names` AS device_names
  ON device_names.dimension = 'device_type' AND device_names.code = counted.device_type
LEFT JOIN `{dataset}.code_names` AS system_names
  ON system_names.dimension = 'operating_system' AND system_names.code = counted.operating_system
GROUP BY channel_id, date, video_id, device_type, operating_system
