"""HTTP, private: the app's backend asks for a channel's numbers; each comes with its source, its age and a reason.

What may be asked: `shared.collection.numbers`.
"""

from __future__ import annotations

from typing import Any

import functions_framework
from flask import Request

from shared import entry
from shared.clock import system_clock
from shared.collection.numbers import asked_for
from shared.errors import MethodUnknown
from shared.wiring import collection


@functions_framework.http
@entry.answers_json
def channel_data(request: Request) -> dict[str, Any]:
    """Answers what is known, and what asking cost; {"retry_at"} where something newer can be had later."""
    if request.method != "POST":
        raise MethodUnknown("POST")
    asked = asked_for(entry.json_body(request), system_clock())
    return collection.channel_data().answer(asked)
