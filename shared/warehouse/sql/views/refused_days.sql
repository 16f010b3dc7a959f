-- The days that Analytics was asked for and did not tell, each with the newest reason.
-- Only refusals are spread over their days; they are few, and an answer that has come is seen before them.
SELECT loads.channel_id, loads.query, loads.subject, date, loads.reason, loads.asked_at
FROM `{dataset}.analytics_loads` AS loads
CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(loads.start_day, loads.end_day)) AS date
WHERE loads.reason IS NOT NULL
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY loads.channel_id, loads.query, loads.subject, date
  ORDER BY loads.asked_at DESC, loads.load_id
) = 1
