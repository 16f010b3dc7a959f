-- The newest day of each channel's numbers: final, as its bulk report says, and provisional, as Analytics says until then.
SELECT
  channel_id,
  MAX(IF(state = 'final', date, NULL)) AS newest_final,
  MAX(IF(views IS NOT NULL, date, NULL)) AS newest_known,
  DATE_DIFF({today}, MAX(IF(views IS NOT NULL, date, NULL)), DAY) AS days_behind
FROM `{dataset}.youtube_metrics`
WHERE date BETWEEN DATE_SUB({today}, INTERVAL 30 DAY) AND {today} AND {chosen}
GROUP BY channel_id
ORDER BY newest_known, channel_id
LIMIT 500
