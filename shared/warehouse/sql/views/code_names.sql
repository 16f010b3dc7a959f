-- What the codes of bulk reports mean; the words that the Analytics API has for them, by the same names. dimension:
-- the bulk reports' column. Join it LEFT: a code that is not here is one that YouTube has added, and stands for itself.
SELECT
  JSON_VALUE(entry, '$[0]') AS dimension,
  JSON_VALUE(entry, '$[1]') AS code,
  JSON_VALUE(entry, '$[2]') AS name
FROM UNNEST(JSON_QUERY_ARRAY('{codes}')) AS entry
