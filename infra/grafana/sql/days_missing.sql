-- Days between a channel's first and newest report of a type of which none is loaded; most are missing first.
SELECT
  channel_id,
  report_type,
  MIN(day) AS first_day,
  MAX(day) AS newest_day,
  COUNT(*) AS days_loaded,
  DATE_DIFF(MAX(day), MIN(day), DAY) + 1 - COUNT(*) AS days_missing,
  DATE_DIFF({today}, MAX(day), DAY) AS days_behind
FROM `{dataset}.current_reports`
WHERE day BETWEEN DATE_SUB({today}, INTERVAL 60 DAY) AND {today} AND {chosen}
GROUP BY channel_id, report_type
ORDER BY days_missing DESC, days_behind DESC, channel_id, report_type
LIMIT 500
