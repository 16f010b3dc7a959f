-- What lies in a report type's table of each report and load: how many rows, and a digest of them.
-- A row's digest is the SHA-256 of all its cells, fractions in full; a report's is the SHA-256 of its rows' digests in
-- their order, so a changed cell is seen, a row more or less too, and the order of rows is nothing to it.
SELECT
  report_id,
  load_id,
  COUNT(*) AS row_count,
  TO_HEX(SHA256(STRING_AGG(row_digest, '' ORDER BY row_digest))) AS digest
FROM (
  SELECT report_id, load_id, TO_HEX(SHA256({row})) AS row_digest
  FROM `{dataset}.{table}`
  WHERE date BETWEEN @since AND @until AND {which} IN UNNEST(@wanted)
)
GROUP BY report_id, load_id
