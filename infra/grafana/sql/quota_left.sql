-- Each bucket, of everybody, on the quota day at the end of the range: used, left, and where the pace of the last three hours leads.
SELECT
  bucket,
  a_day,
  IFNULL(used, 0) AS used,
  a_day - IFNULL(used, 0) AS remaining,
  ROUND(100 * IFNULL(used, 0) / a_day, 1) AS percent_used,
  CAST(ROUND(IFNULL(used + an_hour * hours_left, 0)) AS INT64) AS by_midnight,
  IF(
    used + an_hour * hours_left > a_day AND used < a_day,
    TIMESTAMP_ADD({to}, INTERVAL CAST(3600 * (a_day - used) / an_hour AS INT64) SECOND),
    NULL
  ) AS spent_at
FROM UNNEST({limits}) AS limits
LEFT JOIN (
  SELECT
    bucket,
    SUM(quota_cost) AS used,
    SUM(IF(created_at > TIMESTAMP_SUB({to}, INTERVAL 3 HOUR), quota_cost, 0))
    / LEAST(3, GREATEST(1, TIMESTAMP_DIFF({to}, {reset}, MINUTE) / 60)) AS an_hour,
    TIMESTAMP_DIFF({next_reset}, {to}, MINUTE) / 60 AS hours_left
  FROM {every_call} AS calls
  WHERE date = {today}
  GROUP BY bucket
) AS spent USING (bucket)
ORDER BY percent_used DESC, bucket
