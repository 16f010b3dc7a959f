-- What a code of a bulk report means, or how Analytics calls the same. Empty: every code is shown as it came.
SELECT CAST(NULL AS STRING) AS dimension, CAST(NULL AS STRING) AS code, CAST(NULL AS STRING) AS name
FROM UNNEST(ARRAY<INT64>[])
