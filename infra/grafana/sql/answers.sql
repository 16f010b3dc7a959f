-- What was asked of Analytics in the range: answers, their rows, those that may be cut off, refusals.
SELECT
  query,
  COUNT(*) AS asked,
  SUM(row_count) AS answered_rows,
  COUNTIF(truncated) AS perhaps_cut_off,
  COUNTIF(reason IS NOT NULL) AS refused,
  MAX(asked_at) AS last
FROM `{dataset}.analytics_loads`
WHERE end_day >= DATE_SUB({first_day}, INTERVAL 400 DAY) AND asked_at BETWEEN {from} AND {to} AND {chosen}
GROUP BY query
ORDER BY answered_rows DESC, query
