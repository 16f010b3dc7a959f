-- Each channel's days from its birth to now: Analytics' history before the first bulk report, reports from then on.
-- A day is told by one source, never by the sum of two; where the source changes, `seam` says so.
-- Unique: channel_id, date. Never NULL: channel_id, date, state, source, seam. Days: all (a seam needs the day before).
-- channel_id: the channel
-- date: the Pacific day
-- state: history, final or provisional, as in youtube_metrics
-- source: the report type or the Analytics query that tells it
-- seam: TRUE on a day whose source is another than that of the day before it
-- days_missing: days between the one before it and this one, of which nothing is known; NULL for the first
-- views: how often its videos were watched, as `views` was defined then
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long they were watched
-- subscribers_gained: who subscribed
-- subscribers_lost: who ended a subscription
-- estimated_revenue: in USD; its reason is in youtube_metrics
SELECT
  channel_id,
  date,
  state,
  source,
  IFNULL(source != LAG(source) OVER (PARTITION BY channel_id ORDER BY date), FALSE) AS seam,
  DATE_DIFF(date, LAG(date) OVER (PARTITION BY channel_id ORDER BY date), DAY) - 1 AS days_missing,
  views,
  engaged_views,
  watch_time_minutes,
  subscribers_gained,
  subscribers_lost,
  estimated_revenue
FROM `{dataset}.youtube_metrics`
