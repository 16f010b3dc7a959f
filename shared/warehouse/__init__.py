"""Facts in BigQuery: what was loaded, what of it counts, and the views that people query.

Raw rows are appended under a load id and mean nothing by themselves. A row of the manifest (`report_loads`)
names the load in which a report is whole; only then do the views see it, and of several issues of one report
they see the newest. So a load that dies half-way is invisible, a second delivery changes nothing, and a report
that YouTube issues again replaces the older one whole.
"""
