-- {about} on each Pacific day.
-- Unique: channel_id, date, video_id, {dimensions}. Never NULL: channel_id, date, state, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
{described}
-- views: how often it was watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long it was watched
-- average_view_duration: seconds watched for each engaged view
-- state: final (bulk report) or provisional (Analytics, which names no video, until the report comes)
-- as_of: when the newest report about it was issued, or that answer given
SELECT
  counted.channel_id,
  counted.date,
  counted.video_id,
  {named},
  SUM(counted.views) AS views,
  SUM(counted.engaged_views) AS engaged_views,
  ROUND(CAST(SUM(counted.watch_time_minutes) AS BIGNUMERIC), 2) AS watch_time_minutes,
  ROUND(
    CAST(
      SAFE_DIVIDE(SUM(counted.watch_time_minutes) * 60, SUM(counted.engaged_views)) AS BIGNUMERIC
    ),
    2
  ) AS average_view_duration,
  counted.state,
  MAX(counted.as_of) AS as_of
FROM (
  SELECT
    channel_id, date, video_id, {dimensions}, views, engaged_views, watch_time_minutes, as_of,
    'final' AS state
  FROM `{dataset}.{rows}`{told}
) AS counted{names}
GROUP BY channel_id, date, video_id, {dimensions}, state
