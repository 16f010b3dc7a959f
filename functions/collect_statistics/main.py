"""Scheduler: every five minutes the counts of videos are read, of those first where it lowers the error most."""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.fields import Fields
from shared.wiring.collection import statistics


@functions_framework.http
@entry.answers_json
def collect_statistics(request: Request) -> dict[str, Any]:
    """Answers of how many channels how many rows were read, by how many calls."""
    Fields(entry.json_body(request))
    return statistics().run()
