-- Deletes the rows of one connection of a channel from one table; every load's id ends with the connection's.
DELETE FROM `{dataset}.{table}` WHERE channel_id = @channel AND ENDS_WITH(load_id, @connection)
