SELECT DISTINCT user_id
FROM `{dataset}.youtube_api_calls`
WHERE date > DATE_SUB({today}, INTERVAL 7 DAY) AND user_id IS NOT NULL
ORDER BY user_id
LIMIT 5000
