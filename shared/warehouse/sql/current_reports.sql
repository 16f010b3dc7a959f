-- Of every report that was loaded whole, the newest issue for each channel, report type and day.
SELECT *
FROM `{dataset}.report_loads`
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY channel_id, report_type, day
  ORDER BY create_time DESC, report_id DESC
) = 1
