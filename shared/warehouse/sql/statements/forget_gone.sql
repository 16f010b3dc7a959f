-- Deletes what was read of videos that YouTube has no more. The rows that say so stay: who, and when it was certain.
DELETE FROM `{dataset}.video_metadata`
WHERE NOT gone AND video_id IN (
  SELECT video_id
  FROM `{dataset}.video_metadata`
  GROUP BY channel_id, video_id
  HAVING MAX(as_of) = MAX(IF(gone, as_of, NULL))  -- the newest row is the one that counts
)
