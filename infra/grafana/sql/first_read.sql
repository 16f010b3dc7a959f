-- How long after its publication each video of the range was first read: what push, or looking for what it missed, took.
SELECT
  published_at,
  channel_id,
  video_id,
  first_read,
  ROUND(TIMESTAMP_DIFF(first_read, published_at, SECOND) / 60, 1) AS minutes
FROM (
  SELECT channel_id, video_id, MAX(published_at) AS published_at, MIN(as_of) AS first_read
  FROM `{dataset}.video_metadata`
  WHERE as_of >= {from} AND {chosen}
  GROUP BY channel_id, video_id
)
WHERE published_at BETWEEN {from} AND {to}
ORDER BY published_at DESC, channel_id, video_id
LIMIT 500
