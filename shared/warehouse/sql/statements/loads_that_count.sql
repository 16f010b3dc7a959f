-- What the manifest says of the loads that count, for some channels and days.
SELECT *
FROM `{dataset}.current_reports`
WHERE day BETWEEN @since AND @until AND channel_id IN UNNEST(@channels)
