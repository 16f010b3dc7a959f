-- What each check's newest run found of each channel, the first five of each.
SELECT `check`, ran_at, channel_id, date, what, value, expected
FROM `{dataset}.check_results`
WHERE ran_at >= @since
QUALIFY ran_at = MAX(ran_at) OVER (PARTITION BY `check`, channel_id)
  AND ROW_NUMBER() OVER (PARTITION BY `check`, channel_id ORDER BY ran_at DESC, date DESC, what) <= 5
ORDER BY `check`, date DESC, channel_id, what
LIMIT 500
