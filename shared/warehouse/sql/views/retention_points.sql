-- The points of each video's newest audience retention curve.
SELECT
  channel_id,
  video_id,
  date,
  CAST(JSON_VALUE(dimensions, '$.elapsedVideoTimeRatio') AS FLOAT64) AS elapsed,
  CAST(JSON_VALUE(metrics, '$.audienceWatchRatio') AS FLOAT64) AS watching,
  CAST(JSON_VALUE(metrics, '$.relativeRetentionPerformance') AS FLOAT64) AS relative,
  start_day,
  end_day,
  asked_at AS as_of
FROM `{dataset}.current_analytics`
WHERE query = 'retention' AND video_id IS NOT NULL
QUALIFY RANK() OVER (PARTITION BY channel_id, video_id ORDER BY asked_at DESC) = 1
