-- The channels and months of which a report was loaded since an instant.
SELECT DISTINCT channel_id, FORMAT_DATE('%Y-%m', day) AS month
FROM `{dataset}.report_loads`
WHERE day >= @since AND loaded_at >= @loaded_since
