"""The YouTube Reporting API v1: report types, jobs, their reports, and the files.

Beside Google's methods it answers the control addresses that tell the truth about what has been issued (`truth`).
"""

from infra.local.simulator.reporting.handlers import HANDLERS
from infra.local.simulator.reporting.truth import ROUTES

__all__ = ["HANDLERS", "ROUTES"]
