-- Deletes a channel's rows of loads that began before one, from one table.
DELETE FROM `{dataset}.{table}` WHERE channel_id = @channel AND load_id < @before
