(
  SELECT *
  FROM `{dataset}.youtube_api_calls`
  WHERE date BETWEEN {first_day} AND {today} AND created_at <= {to}
)
