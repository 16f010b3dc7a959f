-- Each channel month by month: sums over the days of youtube_metrics, and how many days they are.
-- Unique: channel_id, month. Never NULL: channel_id, month, days, days_missing. Days: all (a filter on `month` reaches no
-- day; whoever wants one month alone groups youtube_metrics).
-- channel_id: the channel
-- month: the month's first day
-- days: days of which views are known
-- days_missing: days of the month until yesterday of which none are; a sum over fewer days is too small
-- days_final: days of which the bulk report has come
-- days_provisional: days that Analytics told until the report comes
-- days_history: days before the channel's first report, as Analytics told
-- views: how often its videos were watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long they were watched
-- average_view_duration: seconds watched for each engaged view, of the days that have both
-- subscribers_gained: who subscribed
-- subscribers_lost: who ended a subscription
-- impressions: how often thumbnails were shown, on the days that have it
-- click_through_rate: the part that was clicked, weighted by impressions
-- estimated_revenue: in USD, on the days that have it
-- days_with_revenue: how many those are
WITH
days AS (
  SELECT *, CAST(DATE_TRUNC(date, MONTH) AS DATE) AS month, CURRENT_DATE('America/Los_Angeles') AS today
  FROM `{dataset}.youtube_metrics`
)
SELECT
  channel_id,
  month,
  COUNT(views) AS days,
  DATE_DIFF(LEAST(DATE_ADD(month, INTERVAL 1 MONTH), today), month, DAY)
    - COUNT(IF(date < today, views, NULL)) AS days_missing,
  COUNTIF(state = 'final') AS days_final,
  COUNTIF(state = 'provisional') AS days_provisional,
  COUNTIF(state = 'history') AS days_history,
  SUM(views) AS views,
  SUM(engaged_views) AS engaged_views,
  SUM(watch_time_minutes) AS watch_time_minutes,
  ROUND(
    SAFE_DIVIDE(
      SUM(IF(engaged_views IS NULL, NULL, watch_time_minutes)) * 60,
      SUM(IF(watch_time_minutes IS NULL, NULL, engaged_views))
    ),
    2
  ) AS average_view_duration,
  SUM(subscribers_gained) AS subscribers_gained,
  SUM(subscribers_lost) AS subscribers_lost,
  SUM(impressions) AS impressions,
  ROUND(
    SAFE_DIVIDE(SUM(click_through_rate * impressions), SUM(IF(click_through_rate IS NULL, NULL, impressions))),
    4
  ) AS click_through_rate,
  SUM(estimated_revenue) AS estimated_revenue,
  COUNT(estimated_revenue) AS days_with_revenue
FROM days
GROUP BY channel_id, month, today
