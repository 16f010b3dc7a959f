"""Structured logs: one JSON object a line, as Cloud Logging reads them.

`severity` and `message` are Cloud Logging's own field names; everything else is a payload field. No secret is
passed here: secrets travel as `Secret` objects (`shared/vault`), whose text form is a placeholder.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime


def log(severity: str, message: str, /, **fields: object) -> None:
    """Write one record to standard output. severity: DEBUG, INFO, NOTICE, WARNING, ERROR or CRITICAL."""
    record = {"severity": severity, "message": message, **fields}
    sys.stdout.write(json.dumps(record, default=_text) + "\n")
    sys.stdout.flush()


def _text(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
