-- Of every report that was loaded whole, the newest issue for each channel, report type and day; of one that two
-- deliveries have named at once, the first load.
SELECT *
FROM `{dataset}.report_loads`
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY channel_id, report_type, day
  ORDER BY create_time DESC, report_id DESC, load_id
) = 1
