"""Google's resumable upload protocol, and what becomes of a file: nothing here knows what a video is."""

from infra.local.simulator.uploads.control import ROUTES
from infra.local.simulator.uploads.wire import session

__all__ = ["ROUTES", "session"]
