-- One staging table's rows, its columns by the report type's names.
SELECT report_id, {named}, extra FROM `{dataset}.{table}`
