
  UNION ALL
  -- A day of which a report has come, with rows or without, has one that is TRUE.
  SELECT * EXCEPT (reported)
  FROM (
    SELECT
      channel_id, date, CAST(NULL AS STRING) AS video_id, {values},
      CAST(CAST(JSON_VALUE(metrics, '$.views') AS NUMERIC) AS INT64) AS views,
      CAST(CAST(JSON_VALUE(metrics, '$.engagedViews') AS NUMERIC) AS INT64) AS engaged_views,
      CAST(JSON_VALUE(metrics, '$.estimatedMinutesWatched') AS FLOAT64) AS watch_time_minutes,
      asked_at AS as_of,
      'provisional' AS state,
      FALSE AS reported
    FROM `{dataset}.current_analytics`
    WHERE query = '{query}'
    UNION ALL
    SELECT channel_id, day, NULL, {nulls}, NULL, NULL, NULL, NULL, NULL, TRUE
    FROM `{dataset}.current_reports`
    WHERE report_type = '{type}'
  )
  QUALIFY NOT LOGICAL_OR(reported) OVER (PARTITION BY channel_id, date)
