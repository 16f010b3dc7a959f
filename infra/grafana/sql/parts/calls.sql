(
  SELECT *
  FROM {every_call}
  WHERE created_at >= {from} AND {owner} AND {channel}
)
