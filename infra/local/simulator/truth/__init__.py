"""What the tables of a warehouse ought to say, cell by cell, as of the clock; and why a cell can say nothing."""

from infra.local.simulator.truth.routes import ROUTES

__all__ = ["ROUTES"]
