"""A function that wakes up while something it needs is away, or was never set."""

import base64
import json
import os
import time
from datetime import UTC, date, datetime

import httpx
import pytest

from infra.deployment import ROOT
from infra.local.parts import FUNCTIONS_FRAMEWORK
from infra.local.process import LOOPBACK, Part, free_port
from shared.access.requests import COOKIE
from shared.collection import messages
from shared.warehouse.rows import ReportRef
from tests.end_to_end.access.conftest import title


@pytest.fixture
def cold(access, run_folder):
    """Start a function afresh, with changes to its environment; answers (its address, its log)."""
    started = []

    def cold(function, **changes):
        port = free_port()
        log = run_folder / f"{function}.log"
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {**access.stack.env, **access.stack.clock.environment(), "PYTHONPATH": str(ROOT), **changes}
        command = ["env", "-i", *(f"{name}={value}" for name, value in environment.items() if value is not None)]
        command += [str(FUNCTIONS_FRAMEWORK), "--target", function, "--source", f"functions/{function}/main.py"]
        command += ["--host", LOOPBACK, "--port", str(port)]
        url = f"http://{LOOPBACK}:{port}"
        part = Part(name=function, command=command, log=log, cwd=ROOT, ready=lambda: _listens(url))
        started.append(part)
        part.start()
        part.wait_ready()
        return url, log

    yield cold
    for part in started:
        part.stop()


def _listens(url):
    return httpx.get(f"{url}/robots.txt", trust_env=False).status_code in {404, 405}


def start(access, url):
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {access.stack.user_token('cold')}"}
    answer = access.http.post(f"{url}/auth/youtube/start", json={}, headers=headers)
    return answer, time.monotonic() - began


@pytest.mark.fault(46)
@pytest.mark.parametrize("away", ["FIRESTORE_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST"])
def test_a_start_while_a_service_is_away_is_a_clean_503_within_seconds(access, cold, away):
    before = access.stored("consents")
    url, log = cold("oauth_start", **{away: f"{LOOPBACK}:{free_port()}"})
    answer, seconds = start(access, url)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == 503
    assert "Traceback" not in answer.text
    assert seconds < 20
    assert access.stored("consents") == before
    assert "set-cookie" not in answer.headers
    assert '"severity": "ERROR"' in log.read_text()


@pytest.mark.fault(46)
@pytest.mark.parametrize("away", ["FIRESTORE_EMULATOR_HOST", "SECRET_MANAGER_EMULATOR_HOST"])
def test_a_callback_while_a_service_is_away_spends_nothing_and_works_when_it_is_back(access, cold, away):
    person, browser = access.person(1), access.browser()
    back = browser.follow(access.start(browser, "patient", person), until="/auth/youtube/callback")
    address = back.headers["location"]
    url, _log = cold("oauth_callback", **{away: f"{LOOPBACK}:{free_port()}"})
    answer = browser.send("GET", address.replace(access.app, url))
    assert answer.status_code == 503
    assert title(answer) == "We cannot do this right now"
    page = browser.follow(browser.send("GET", address))
    assert title(page) == "Your channel is connected"


CREATED = datetime(2026, 11, 4, 9, 30, tzinfo=UTC)
NOBODY = ReportRef(
    report_id="r",
    channel_id="UC1",
    report_type="channel_basic_a3",
    job_id="j",
    day=date(2026, 11, 1),
    create_time=CREATED,
    download_url="u",
)


@pytest.mark.fault(46)
@pytest.mark.parametrize("away", ["FIRESTORE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"])
def test_a_message_while_the_warehouse_or_the_state_is_away_is_refused_for_another_delivery(access, cold, away):
    url, log = cold("ingest", **{away: f"{LOOPBACK}:{free_port()}"})
    data = base64.b64encode(json.dumps(messages.message([NOBODY])).encode()).decode()
    message = {
        "data": data,
        "attributes": {"kind": "reports"},
        "messageId": "1",
        "publishTime": CREATED.isoformat(),
    }
    began = time.monotonic()
    answer = access.http.post(url, json={"message": message, "subscription": "projects/p/subscriptions/s"})
    assert answer.status_code == 503
    assert time.monotonic() - began < 50
    assert "a Google Cloud service does not answer" in log.read_text()
    assert access.stored("reports") == {}


@pytest.mark.fault(46)
@pytest.mark.parametrize("body", [{"everything": True}, {"channels": ["UC" + "a" * 22]}])
def test_collecting_while_the_state_is_away_is_a_clean_503_that_cloud_tasks_repeats(access, cold, body):
    url, _log = cold("collect_reports", FIRESTORE_EMULATOR_HOST=f"{LOOPBACK}:{free_port()}")
    answer = access.http.post(url, json=body)
    assert answer.status_code == 503
    assert answer.json()["error"]["reason"] == "unavailable"


@pytest.mark.fault(46)
def test_a_key_set_that_cannot_be_had_is_a_clean_503(access, cold):
    url, _log = cold("oauth_start", YT_ID_TOKEN_KEYS_URL=f"http://{LOOPBACK}:{free_port()}/keys")
    answer, _seconds = start(access, url)
    assert answer.status_code == 503


@pytest.mark.fault(48)
def test_missing_settings_are_named_all_in_one_message(access, cold):
    url, log = cold("oauth_start", YT_APP_URL=None, YT_ID_TOKEN_ISSUER=None, YT_USERS_MAX="many")
    answer, _seconds = start(access, url)
    assert answer.status_code == 500
    assert answer.json()["error"]["reason"] == "settings"
    [line] = [line for line in log.read_text().splitlines() if "settings:" in line]
    for name in ("YT_APP_URL", "YT_ID_TOKEN_ISSUER", "YT_USERS_MAX"):
        assert name in line


@pytest.mark.fault(48)
def test_a_page_appears_even_when_the_settings_are_what_is_wrong(cold):
    url, _log = cold("oauth_callback", YT_APP_URL=None)
    page = httpx.get(f"{url}/auth/youtube/callback?state=x&code=y", trust_env=False, cookies={COOKIE: "x"})
    assert page.status_code == 500
    assert title(page) == "Something went wrong"
