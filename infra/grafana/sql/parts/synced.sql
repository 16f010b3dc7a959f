(
  SELECT loads.channel_id, called.user_id, GREATEST(loads.moment, IFNULL(called.moment, loads.moment)) AS last_sync
  FROM (
    SELECT channel_id, MAX(moment) AS moment
    FROM (
      SELECT channel_id, loaded_at AS moment
      FROM `{dataset}.report_loads`
      WHERE day > DATE_SUB({today}, INTERVAL 60 DAY)
      UNION ALL
      SELECT channel_id, asked_at
      FROM `{dataset}.analytics_loads`
      WHERE end_day > DATE_SUB({today}, INTERVAL 60 DAY)
    )
    WHERE moment <= {to}
    GROUP BY channel_id
  ) AS loads
  LEFT JOIN (
    SELECT
      channel_id,
      MAX(user_id) AS user_id,
      MAX(IF(status = 'success' AND REGEXP_CONTAINS(endpoint, '^youtube(reporting|Analytics)'), created_at, NULL)) AS moment
    FROM `{dataset}.youtube_api_calls`
    WHERE date > DATE_SUB({today}, INTERVAL 7 DAY) AND created_at <= {to}
    GROUP BY channel_id
  ) AS called USING (channel_id)
)
