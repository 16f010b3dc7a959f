-- Views beside engaged views on each Pacific day, and which definition of `views` held: what to compare over years.
-- YouTube counts every start of a Short since 31 March 2025 and of every video since 24 August 2026; engaged views
-- go on as `views` were before.
-- Unique: channel_id, date. Never NULL: channel_id, date, views_definition, as_today, state. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- views: how often its videos were watched, as `views` was defined then
-- engaged_views: views beyond the first seconds
-- engaged_share: engaged views for each view; near 1 before the definition changed
-- views_definition: which definition of `views` held on this day
-- as_today: whether it is the one that holds today, so that the day's views may be compared with today's
-- state: final, provisional or history, as in youtube_metrics
SELECT
  channel_id,
  date,
  views,
  engaged_views,
  ROUND(CAST(SAFE_DIVIDE(engaged_views, views) AS BIGNUMERIC), 4) AS engaged_share,
  views_definition,
  views_definition = 'every start' AS as_today,
  state
FROM `{dataset}.youtube_metrics`
