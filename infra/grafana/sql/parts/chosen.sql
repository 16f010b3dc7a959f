(
  {channel}
  AND (
    'all' IN (${owner:singlequote})
    OR channel_id IN (
      SELECT channel_id
      FROM `{dataset}.youtube_api_calls`
      WHERE date > DATE_SUB({today}, INTERVAL 7 DAY) AND user_id IN (${owner:singlequote})
    )
  )
)
