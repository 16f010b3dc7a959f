"""The WebSub hub: subscriptions, leases, signed deliveries, retries, outages."""

from infra.local.simulator.hub.routes import ROUTES

__all__ = ["ROUTES"]
