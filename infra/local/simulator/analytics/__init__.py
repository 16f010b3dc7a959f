"""The YouTube Analytics API v2: one method, `reports.query`."""

from infra.local.simulator.analytics.control import ROUTES
from infra.local.simulator.analytics.handlers import HANDLERS

__all__ = ["HANDLERS", "ROUTES"]
