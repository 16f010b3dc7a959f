-- What the manifest says of the loads that count, for some channels and days, since an instant.
SELECT *
FROM `{dataset}.current_reports`
WHERE day BETWEEN @since AND @until AND loaded_at >= @loaded_since AND channel_id IN UNNEST(@channels)
