-- What each part of the product asked of a quota bucket on a Pacific day.
SELECT feature, SUM(quota_cost) AS spent, COUNT(*) AS calls, COUNTIF(status = 'error') AS failed
FROM `{dataset}.youtube_api_calls`
WHERE date = @day AND bucket = @bucket
GROUP BY feature
ORDER BY spent DESC, feature
