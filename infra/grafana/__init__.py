"""Grafana dashboards over the warehouse, as code: `dashboards.toml` has the panels, `sql/` what each asks.

    python -m infra.grafana            writes dashboards/*.json
    python -m infra.grafana --check    names those that are not what the code makes, and fails
    python -m infra.grafana --out FOLDER --dataset project.youtube --console https://... --runbook https://...

The last writes an installation's own, with its addresses filled in.
"""
