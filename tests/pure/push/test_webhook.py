"""The hub's addresses: what stands in them is checked before it names a document."""

from __future__ import annotations

import functions_framework
import pytest

from infra.deployment import ROOT


@pytest.mark.case("A9")
@pytest.mark.fault(71)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "channel", ["__x__", ".", "..", "%2e%2e", "%2F", "UC1", "UC" + "a" * 23, "UC" + "%C3%A9" * 22, "x" * 2000, ""]
)
def test_an_address_that_names_no_channel_is_not_found(method, channel, capsys):
    app = functions_framework.create_app("webhook", str(ROOT / "functions" / "webhook" / "main.py"))
    answer = app.test_client().open(f"/webhooks/youtube/{channel}/t", method=method)
    assert (answer.status_code, answer.get_json()["error"]["reason"]) == (404, "notSubscribed")
    assert "stack" not in capsys.readouterr().out
