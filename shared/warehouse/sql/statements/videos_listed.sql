-- A page of a channel's videos, the newest first, each with its newest public counts.
SELECT
  videos.video_id,
  videos.title,
  videos.published_at,
  videos.privacy,
  videos.gone,
  IFNULL(counts.views, videos.counted_views) AS views,
  IFNULL(counts.likes, videos.counted_likes) AS likes,
  IFNULL(counts.comments, videos.counted_comments) AS comments,
  IFNULL(counts.as_of, videos.as_of) AS as_of
FROM `{dataset}.videos` AS videos
LEFT JOIN `{dataset}.video_counts_latest` AS counts
  ON counts.channel_id = videos.channel_id AND counts.video_id = videos.video_id
WHERE videos.channel_id = @channel
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY videos.channel_id
  ORDER BY videos.published_at DESC, videos.video_id
) BETWEEN @first AND @last
ORDER BY videos.published_at DESC, videos.video_id
