-- How many of the numbers of the guide's two tables each of its four levels answers now, by the rule of
-- shared/collection/numbers.py: reports what is final; last_read what was read lately (each source has its own instant
-- since when) or changes no more, 35 days after its day's end; analytics and data what is asked for anew. Numbers that
-- are NULL are nobody's.
WITH
days AS (
  SELECT
    *,
    TIMESTAMP(DATE_ADD(date, INTERVAL 36 DAY), 'America/Los_Angeles') AS settled
  FROM `{dataset}.youtube_metrics`
  WHERE channel_id IN UNNEST(@channels) AND date >= @since
),
videos AS (
  SELECT * FROM `{dataset}.video_performance` WHERE channel_id IN UNNEST(@channels)
),
held AS (
  SELECT
    channel_id,
    CASE
      WHEN source = 'channel_basic_a3' THEN 'reports'
      WHEN as_of > @analytics_since OR as_of >= settled THEN 'last_read'
      ELSE 'analytics'
    END AS level,
    IF(views IS NULL, 0, 1) + IF(engaged_views IS NULL, 0, 1) + IF(watch_time_minutes IS NULL, 0, 1)
      + IF(subscribers_gained IS NULL, 0, 1) + IF(subscribers_lost IS NULL, 0, 1)
      + IF(average_view_duration IS NULL, 0, 1) AS numbers
  FROM days
  UNION ALL
  SELECT channel_id, 'reports', IF(impressions IS NULL, 0, 1) + IF(click_through_rate IS NULL, 0, 1)
  FROM days
  UNION ALL
  SELECT
    channel_id,
    IF(
      estimated_revenue_as_of > @analytics_since OR estimated_revenue_as_of >= settled, 'last_read', 'analytics'
    ),
    IF(estimated_revenue IS NULL, 0, 1)
  FROM days
  UNION ALL
  SELECT
    channel_id,
    'reports',
    IF(views IS NULL, 0, 1) + IF(engaged_views IS NULL, 0, 1) + IF(watch_time_minutes IS NULL, 0, 1)
      + IF(likes IS NULL, 0, 1) + IF(dislikes IS NULL, 0, 1) + IF(comments IS NULL, 0, 1) + IF(shares IS NULL, 0, 1)
  FROM videos
  UNION ALL
  SELECT
    channel_id,
    IF(retention_as_of > @analytics_since, 'last_read', 'analytics'),
    IF(retention_as_of IS NULL, 0, 1)
  FROM videos
  UNION ALL
  SELECT
    channel_id,
    IF(lifetime_as_of > @data_since, 'last_read', 'data'),
    IF(published_at IS NULL, 0, 1) + IF(lifetime_views IS NULL, 0, 1) + IF(lifetime_likes IS NULL, 0, 1)
      + IF(lifetime_comments IS NULL, 0, 1)
  FROM videos
)
SELECT channel_id, level, SUM(numbers) AS numbers
FROM held
GROUP BY channel_id, level
