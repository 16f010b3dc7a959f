"""The whole stack: every part answers, the clock is one, refusals are Google's, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial

import httpx
import psutil
import pytest

from infra.deployment import ROOT, deployment
from infra.local import status
from infra.local.process import listens
from infra.local.stack import ABOUT, Stack, running
from infra.local.supervisor import State
from tests.stands.waiting import eventually


def get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=30, trust_env=False)


def test_every_part_and_every_declared_function_is_ready(stack: Stack):
    states = {row.name: row.state for row in status.rows(stack.supervisor.parts.values())}
    assert set(deployment().functions) <= set(states)
    assert set(states.values()) <= {State.READY, State.DONE}


def test_the_stack_fits_its_memory(stack: Stack):
    total = status.total_memory(status.rows(stack.supervisor.parts.values()))
    assert total < 2048 * status.MIB


def test_functions_run_from_their_staged_copies(stack: Stack):
    for name in stack.addresses.functions:
        process = psutil.Process(stack.supervisor.parts[name].pid)
        assert process.cwd().startswith(str(ROOT / ".local" / "staged" / name))


def test_all_processes_share_one_clock(stack: Stack):
    before = stack.now()
    stack.advance(3600)
    times = {
        "simulator": get(f"{stack.simulator}/control/clock").json()["now"],
        "scheduler": get(f"{stack.url('scheduler')}/schedules").json()["now"],
    }
    for told in times.values():
        assert timedelta(0) <= datetime.fromisoformat(told) - before - timedelta(hours=1) < timedelta(seconds=30)


def test_public_addresses_reach_their_functions_and_unknown_ones_nobody(stack: Stack):
    gateway = stack.url("gateway")
    nobody = httpx.post(f"{gateway}/auth/youtube/start", trust_env=False)
    assert nobody.status_code == 401  # the function's own word: nobody is signed in
    assert get(f"{gateway}/nothing/here").status_code == 404
    assert get(f"{gateway}/console").status_code == 200


@pytest.mark.fault(45)
@pytest.mark.parametrize("name", [f.name for f in deployment().functions.values() if f.private])
def test_private_functions_refuse_whoever_is_not_declared(stack: Stack, name):
    url = stack.url(name)
    stranger = next(a for a in deployment().service_accounts if a not in deployment().functions[name].callers)
    other = next(f for f in stack.addresses.functions if f != name)
    callers = deployment().functions[name].callers
    email = deployment().address(callers[0], stack.env["GOOGLE_CLOUD_PROJECT"])
    expired = stack.identity.token(email=email, audience=url, now=stack.now() - timedelta(hours=2))
    elsewhere = stack.service_token(callers[0], other)
    expected = {
        401: [{}, *({"Authorization": f"Bearer {each}"} for each in (elsewhere, expired))],
        403: [{"Authorization": f"Bearer {stack.service_token(stranger, name)}"}],
    }
    for code, attempts in expected.items():
        for headers in attempts:
            answer = httpx.post(url, json={}, headers=headers, trust_env=False)
            assert (answer.status_code, answer.json()["error"]["code"]) == (code, code)


def test_a_schedule_told_to_run_calls_its_function_through_the_front_door(stack: Stack):
    result = stack.trigger("collect-reports")
    assert result["status"] == 200, result
    assert '"POST"' in stack.logs("gateway")


def test_many_requests_at_once_are_all_answered(stack: Stack):
    import asyncio

    async def burst() -> list[int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
            asked = [client.post(f"{stack.url('gateway')}/auth/youtube/start") for _ in range(250)]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert asyncio.run(burst()) == [401] * 250


def test_a_pushed_message_reaches_ingest_with_an_identity_and_what_it_cannot_take_is_redelivered(stack: Stack):
    before = stack.logs("gateway").count("/push/ingest")
    topic = f"projects/{stack.env['GOOGLE_CLOUD_PROJECT']}/topics/ingest"
    message = {"messages": [{"data": "e30=", "attributes": {"kind": "nobody-knows-this-kind"}}]}
    url = f"{stack.url('pubsub')}/v1/{topic}:publish"
    assert httpx.post(url, json=message, trust_env=False).status_code == 200
    eventually(lambda: stack.logs("gateway").count("/push/ingest") >= before + 2, partial(stack.logs, "gateway"))


def test_a_part_that_dies_comes_back_and_the_rest_goes_on(stack: Stack):
    gateway = stack.supervisor.parts["gateway"]
    first = gateway.pid
    psutil.Process(first).kill()
    eventually(lambda: gateway.state is State.READY and gateway.pid not in {None, first})
    assert get(f"{stack.url('gateway')}/console").status_code == 200


def test_other_commands_find_the_running_stack(stack: Stack):
    about = next(found for found in running() if found["run"] == str(stack.run_folder))
    assert about["addresses"]["gateway"] == stack.url("gateway")
    assert about["env"] == dict(stack.env)


def test_nothing_secret_is_in_what_the_stack_tells_or_shows(stack: Stack):
    shown = (stack.run_folder / ABOUT).read_text() + " ".join(
        " ".join(psutil.Process(watched.pid).cmdline())
        for watched in stack.supervisor.parts.values()
        if watched.pid is not None
    )
    assert "client-secret" not in shown
    assert "push?key" not in shown


def test_make_up_shows_what_runs_where_and_ends_without_a_trace():
    command = [sys.executable, "-m", "infra.local.up", "--users", "1", "--channels-per-user", "1"]
    up = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert up.stdout is not None
    lines: list[str] = []
    for line in up.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    shown = "".join(lines)
    assert "gateway" in shown, shown
    about = next(found for found in running() if found["pid"] == up.pid)
    family = psutil.Process(up.pid).children(recursive=True)
    up.send_signal(signal.SIGINT)
    assert up.wait(timeout=30) == 0
    up.stdout.close()
    assert [member for member in family if member.is_running()] == []
    ports = [int(address.split(":")[2].split("/")[0]) for address in about["addresses"].values()]
    assert [port for port in ports if listens(port)] == []
