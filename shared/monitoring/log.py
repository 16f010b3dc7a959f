"""Structured logs: one JSON object a line, as Cloud Logging reads them.

`severity` and `message` are Cloud Logging's own field names; everything else is a payload field. No secret is
passed here: secrets travel as `Secret` objects (`shared/vault`), whose text form is a placeholder.

An instance serves one request at a time, with many threads: the request's trace is the process's.
"""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import date
from typing import Any

TRACE = "logging.googleapis.com/trace"  # Cloud Logging's field that links a record to a trace
_TRACED = {
    "traceparent": re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-.*"),
    "X-Cloud-Trace-Context": re.compile(r"([0-9a-f]{32})(/.*)?"),
}
_linked: dict[str, str] = {}


def link(headers: Any) -> None:
    """Link the records that follow to a request's trace, if it has one. Source: W3C Trace Context; Cloud Trace."""
    found = (shape.fullmatch(headers.get(name) or "") for name, shape in _TRACED.items())
    trace = next((each[1] for each in found if each), None)
    _linked.clear()
    if trace:
        _linked[TRACE] = f"projects/{os.environ.get('GOOGLE_CLOUD_PROJECT', '')}/traces/{trace}"


def log(severity: str, message: str, /, **fields: object) -> None:
    """Write one record to standard output. severity: DEBUG, INFO, NOTICE, WARNING, ERROR or CRITICAL."""
    record = {"severity": severity, "message": message, **_linked, **fields}
    sys.stdout.write(_encoded(record) + "\n")
    sys.stdout.flush()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


_encoded = json.JSONEncoder(default=_text).encode
