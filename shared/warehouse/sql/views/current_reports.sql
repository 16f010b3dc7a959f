-- Of every report that was loaded whole, the newest issue for each channel, report type and day; of one that was loaded
-- again, or that two deliveries have named at once, the newest load.
SELECT *
FROM `{dataset}.report_loads`
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY channel_id, report_type, day
  ORDER BY create_time DESC, report_id DESC, load_id DESC
) = 1
