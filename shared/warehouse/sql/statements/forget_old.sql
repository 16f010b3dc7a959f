-- Takes the metadata out of old rows, whether their video was read again or cannot be read. Counts stay: an owner
-- lets them be kept.
UPDATE `{dataset}.video_metadata`
SET title = NULL, published_at = NULL, duration_seconds = NULL, privacy = NULL
WHERE as_of < @before
  AND (title IS NOT NULL OR published_at IS NOT NULL OR duration_seconds IS NOT NULL OR privacy IS NOT NULL)
