-- What each check found in its newest run of the range. A check that found nothing has no row.
SELECT `check`, MAX(ran_at) AS ran_at, COUNT(*) AS findings, COUNT(DISTINCT channel_id) AS channels
FROM `{dataset}.check_results`
WHERE ran_at BETWEEN {from} AND {to} AND {chosen}
AND ran_at = (SELECT MAX(ran_at) FROM `{dataset}.check_results` WHERE ran_at BETWEEN {from} AND {to})
GROUP BY `check`
ORDER BY findings DESC, `check`
