-- Reports of the range that were loaded although something is odd about them.
SELECT channel_id, day, report_type, row_count, findings, loaded_at
FROM `{dataset}.current_reports`
WHERE day BETWEEN {first_day} AND {today} AND findings IS NOT NULL AND {chosen}
ORDER BY day DESC, channel_id, report_type
LIMIT 500
