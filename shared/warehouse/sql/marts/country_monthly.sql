-- What each channel did in each country in each month, as Analytics says: from the channel's birth on.
-- Unique: channel_id, date, country. Never NULL: channel_id, date, country, as_of. Days: date.
-- channel_id: the channel
-- date: the month's first day
-- country: two letters; ZZ where YouTube does not know
-- views: how often its videos were watched
-- engaged_views: views beyond the first seconds
-- watch_time_minutes: how long they were watched
-- as_of: when Analytics was asked
SELECT
  channel_id,
  date,
  JSON_VALUE(dimensions, '$.country') AS country,
  CAST(CAST(JSON_VALUE(metrics, '$.views') AS NUMERIC) AS INT64) AS views,
  CAST(CAST(JSON_VALUE(metrics, '$.engagedViews') AS NUMERIC) AS INT64) AS engaged_views,
  CAST(JSON_VALUE(metrics, '$.estimatedMinutesWatched') AS NUMERIC) AS watch_time_minutes,
  asked_at AS as_of
FROM `{dataset}.current_analytics`
WHERE query = 'country_monthly'
