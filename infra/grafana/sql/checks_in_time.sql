-- Findings of each check at each run.
SELECT ran_at AS time, `check`, COUNT(*) AS findings
FROM `{dataset}.check_results`
WHERE ran_at BETWEEN {from} AND {to} AND {chosen}
GROUP BY time, `check`
ORDER BY time, `check`
