"""Functions that take JSON refuse a body that is nearly right, before anything is read or built."""

from __future__ import annotations

import functions_framework
import pytest

from infra.deployment import ROOT

OPERATION, CHANNEL, RECEIPT = "op-" + "0" * 24, "UC" + "a" * 22, "0" * 24


@pytest.mark.parametrize(
    ("function", "body"),
    [
        ("run_operation", {}),
        ("run_operation", {"sweep": "true"}),
        ("run_operation", {"sweep": 1}),
        ("run_operation", {"operation": OPERATION}),
        ("run_operation", {"operation": OPERATION, "attempt": "1"}),
        ("run_operation", {"operation": "op-1", "attempt": 1}),
        ("run_operation", {"operation": OPERATION, "turn": 1}),
        ("refresh_tokens", {"rotate": "true"}),
        ("refresh_tokens", {"rotate": 1}),
        ("refresh_tokens", {"revoke": RECEIPT, "rotate": True}),
        ("refresh_tokens", {"everything": True}),
        ("collect_reports", {"everything": "yes"}),
        ("collect_reports", {"channels": CHANNEL}),
        ("collect_reports", {"channels": ["UC1"]}),
        ("collect_reports", {"channels": [CHANNEL], "everything": True}),
        ("renew_subscriptions", {"channel": "UC1"}),
        ("renew_subscriptions", {"everything": 1}),
        ("renew_subscriptions", {"everything": True, "channel": CHANNEL}),
        ("collect_reports", {"channels": [CHANNEL], "report_types": ["channel_unknown_a1"]}),
        ("collect_reports", {"channels": [CHANNEL], "turn": 0}),
        ("collect_analytics", {"channels": ["UC1"]}),
        ("collect_analytics", {"channels": [CHANNEL], "most": 0}),
        ("collect_analytics", {"everything": True}),
        ("collect_metadata", {"everything": True}),
        ("collect_metadata", {"channels": ["UC1"]}),
        ("collect_metadata", {"channels": [CHANNEL], "units": 0}),
        ("channel_data", {}),
        ("channel_data", {"channel_id": CHANNEL, "end": "2099-01-01"}),
        ("channel_data", {"channel_id": CHANNEL, "start": "2026-05-01", "end": "2026-04-30"}),
        ("channel_data", {"channel_id": CHANNEL, "start": "2026-01-01", "end": "2026-04-03"}),
        ("channel_data", {"channel_id": CHANNEL, "videos": ["short"]}),
        ("channel_data", {"channel_id": CHANNEL, "videos": [f"{number:011}" for number in range(51)]}),
        ("channel_data", {"channel_id": CHANNEL, "numbers": ["retention_data"]}),
    ],
)
def test_a_body_that_is_nearly_right_is_refused(function, body):
    app = functions_framework.create_app(function, str(ROOT / "functions" / function / "main.py"))
    answer = app.test_client().post("/", json=body)
    assert (answer.status_code, answer.get_json()["error"]["reason"]) == (400, "invalidRequest")
