"""What we need does not answer: a clean refusal, nothing half done, and the next delivery does the work."""

from datetime import timedelta

import functions_framework
import pytest

from infra.deployment import ROOT
from shared.errors import Unavailable
from shared.publishing.operation import State
from shared.vault.vault import Vault
from shared.youtube.policy import policy


def app(name):
    return functions_framework.create_app(name, str(ROOT / "functions" / name / "main.py")).test_client()


@pytest.mark.fault(48)
@pytest.mark.parametrize(("name", "asked"), [("publish", {"action": "read"}), ("run_operation", {"attempt": 1})])
def test_missing_settings_are_named_all_at_once(fresh_process, monkeypatch, name, asked, capsys):
    for variable in ("GOOGLE_CLOUD_PROJECT", "YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER"):
        monkeypatch.delenv(variable, raising=False)
    answer = app(name).post("/", json={**asked, "operation": "op-" + "0" * 24})
    assert answer.status_code == 500
    logged = capsys.readouterr().out
    for variable in ("GOOGLE_CLOUD_PROJECT", "YT_APP_URL", "YT_API_URL", "YT_ID_TOKEN_ISSUER"):
        assert variable in logged
        assert variable not in answer.text


class Locked:
    """A Secret Manager that does not answer."""

    def newest(self):
        raise Unavailable("Secret Manager does not answer.", reason="keyUnavailable")

    def version(self, _number):
        raise Unavailable("Secret Manager does not answer.", reason="keyUnavailable")


@pytest.mark.fault(46)
def test_without_the_vault_no_byte_is_sent_and_a_later_attempt_does_the_work(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    vault, bench.vault = bench.vault, Vault(Locked(), bench.stand.clock)
    bench.runner(vault=bench.vault).run(operation.id, 1)
    assert bench.get(operation).state is State.WAITING
    assert [session.received.size for session in bench.sessions()] == [0] * len(bench.sessions())
    bench.vault = vault
    assert bench.settle(operation).state is State.SUCCEEDED
    assert len(bench.videos()) == 1


class NoBudget:
    """A ledger whose storage does not answer."""

    def reserve(self, **_asked):
        raise Unavailable("Firestore does not answer.", reason="ledgerUnavailable")


@pytest.mark.fault(46)
def test_without_the_ledger_nothing_is_sent(bench):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    ledger, bench.stand.ledger = bench.stand.ledger, NoBudget()
    bench.run_due()
    assert bench.sessions() == []
    assert bench.get(operation).state is State.WAITING
    bench.stand.ledger = ledger
    assert bench.settle(operation).state is State.SUCCEEDED


@pytest.mark.parametrize(("kind", "times"), [("backendError", 12), ("rateLimitExceeded", 5)])
def test_an_outage_of_hours_is_waited_out_where_people_see_why_and_until_when(bench, kind, times):
    bench.video()
    operation, _ = bench.submit(upload=bench.upload())
    bench.stand.inject(method="youtube.videos.insert", kind=kind, times=times)
    bench.run_due()
    while (found := bench.get(operation)).due_at - bench.stand.clock() < timedelta(minutes=15):
        assert (found.state, found.reason, found.message) == (State.WAITING, kind, policy().rules[kind].says)
        bench.stand.simulator.timepiece.set(found.due_at + timedelta(seconds=1))
        bench.run_due()
    assert (found.state, found.reason, found.message) == (State.WAITING, kind, policy().rules[kind].says)
    assert bench.settle(operation).state is State.SUCCEEDED
    assert len(bench.videos()) == 1
