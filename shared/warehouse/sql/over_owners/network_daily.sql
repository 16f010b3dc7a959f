-- All channels together on each Pacific day. YouTube forbids to add up several owners' numbers (Developer Policies,
-- III.E.2), so this view is there only while the setting YT_AGGREGATION states why it is allowed.
-- Unique: date. Never NULL: date, channels. Days: date.
-- date: the Pacific day
-- channels: how many channels' views are known
-- views: how often their videos were watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long they were watched
-- channels_with_revenue: how many channels' revenue is known
-- estimated_revenue: what those earned, in USD
SELECT
  date,
  COUNT(views) AS channels,
  IFNULL(SUM(views), 0) AS views,
  IFNULL(SUM(engaged_views), 0) AS engaged_views,
  SUM(watch_time_minutes) AS watch_time_minutes,
  COUNT(estimated_revenue) AS channels_with_revenue,
  SUM(estimated_revenue) AS estimated_revenue
FROM `{dataset}.youtube_metrics`
GROUP BY date
