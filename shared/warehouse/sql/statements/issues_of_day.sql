-- Every report that was loaded for a channel, report type and day, the one that counts first.
SELECT report_id, load_id, row_count, checksum, create_time, loaded_at, findings
FROM `{dataset}.report_loads`
WHERE day = @day AND channel_id = @channel AND report_type = @report_type
ORDER BY create_time DESC, report_id DESC, load_id
