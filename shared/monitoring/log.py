"""Structured logs: one JSON object a line, as Cloud Logging reads them.

`severity` and `message` are Cloud Logging's own field names; everything else is a payload field. No secret is
passed here: secrets travel as `Secret` objects (`shared/vault`), whose text form is a placeholder.

A record is linked to the trace of the request that its thread serves, or to that of the only request that the
process works at: most functions serve one at a time, by many threads (`concurrency` in infra/deployment.yaml).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from threading import get_ident
from typing import Any

TRACE = "logging.googleapis.com/trace"  # Cloud Logging's field that links a record to a trace
_TRACED = {
    "HTTP_TRACEPARENT": re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-.*"),
    "HTTP_X_CLOUD_TRACE_CONTEXT": re.compile(r"([0-9a-f]{32})(/.*)?"),
}
_linked: dict[int, dict[str, str]] = {}
"""By the thread that serves a request: the field that links its records."""


@contextmanager
def linked(environ: Mapping[str, Any]) -> Iterator[None]:
    """Link this thread's records to a request's trace, if it has one. environ: the request's, by WSGI (PEP 3333).

    Source: W3C Trace Context; Cloud Trace.
    """
    found = (shape.fullmatch(environ.get(name, "")) for name, shape in _TRACED.items())
    trace, thread = next((each[1] for each in found if each), None), get_ident()
    project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    _linked[thread] = {TRACE: f"projects/{project}/traces/{trace}"} if trace else {}
    try:
        yield
    finally:
        del _linked[thread]


def _link() -> Mapping[str, str]:
    served = list(_linked.values())
    return _linked.get(get_ident()) or (served[0] if len(served) == 1 else {})


def log(severity: str, message: str, /, **fields: object) -> None:
    """Write one record to standard output. severity: DEBUG, INFO, NOTICE, WARNING, ERROR or CRITICAL."""
    record = {"severity": severity, "message": message, **_link(), **fields}
    sys.stdout.write(_encoded(record) + "\n")
    sys.stdout.flush()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


_encoded = json.JSONEncoder(default=_text).encode
