-- What was found in the newest run of the range, with what was expected.
SELECT channel_id, date, `check`, what, value, expected
FROM `{dataset}.check_results`
WHERE ran_at BETWEEN {from} AND {to} AND {chosen}
AND ran_at = (SELECT MAX(ran_at) FROM `{dataset}.check_results` WHERE ran_at BETWEEN {from} AND {to})
ORDER BY channel_id, date, `check`, what
LIMIT 500
