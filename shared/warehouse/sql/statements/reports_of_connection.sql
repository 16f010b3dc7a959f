-- How many reports the manifest names for one connection of a channel.
SELECT COUNT(DISTINCT report_id) AS reports
FROM `{dataset}.report_loads`
WHERE channel_id = @channel AND ENDS_WITH(load_id, @connection)
