-- The reports that count and tell of some of a channel's videos, the newest day first, with what each adds.
SELECT
  told.video_id,
  reports.day,
  reports.report_id,
  reports.load_id,
  reports.row_count,
  reports.checksum,
  reports.create_time,
  reports.loaded_at,
  reports.findings,
  told.views,
  told.engaged_views,
  told.likes,
  told.dislikes,
  told.comments,
  told.shares,
  told.watch_time_minutes
FROM (
  SELECT
    channel_id,
    report_id,
    video_id,
    SUM(views) AS views,
    SUM(engaged_views) AS engaged_views,
    SUM(likes) AS likes,
    SUM(dislikes) AS dislikes,
    SUM(comments) AS comments,
    SUM(shares) AS shares,
    SUM(watch_time_minutes) AS watch_time_minutes
  FROM `{dataset}.channel_basic`
  WHERE channel_id = @channel AND video_id IN UNNEST(@videos)
  GROUP BY channel_id, report_id, video_id
) AS told
JOIN `{dataset}.current_reports` AS reports
  ON reports.report_id = told.report_id
ORDER BY told.video_id, reports.day DESC
