-- Deletes the counts of videos that YouTube has no more.
DELETE FROM `{dataset}.video_counts`
WHERE video_id IN (
  SELECT video_id
  FROM `{dataset}.video_metadata`
  GROUP BY channel_id, video_id
  HAVING MAX(as_of) = MAX(IF(gone, as_of, NULL))  -- the newest row is the one that counts
)
