-- Every connection for which the manifest names a report; a load's id ends with the connection's.
SELECT DISTINCT channel_id, SUBSTR(load_id, -24) AS connection
FROM `{dataset}.report_loads`
