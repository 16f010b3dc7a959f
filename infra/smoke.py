"""Asks every function one harmless question and judges the answer: `python -m infra.smoke --project P | --stack`.

For after a deployment, and for whoever wants to know that all is up. What is asked stands in smoke.toml: nothing
is written, paid for or left behind. `--channel UC...` names a connected channel, whose numbers and operations are
then read too; YouTube is not asked. `--stack` asks the local stack that runs. Exit status 1 when an answer is
wrong.

A private function is asked in the name of one of its callers, for which whoever runs this needs
roles/iam.serviceAccountTokenCreator on that account. No token is printed or kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests

from infra import deploy, gcloud, traffic
from infra.deployment import ROOT, Function, deployment
from infra.used_settings import VARIABLES

NO_CHANNEL = "UCsmokeTest00000000000_0"
TIMEOUT = 90  # seconds for one answer: a cold start, and BigQuery
ANSWER_MAX = 64 * 1024

Token = Callable[[str, str], str]
"""An identity token of a declared service account, for an audience."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a function is asked, and how it answers when it works. See smoke.toml."""

    method: str
    status: int
    shows: str
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    reason: str = ""
    connected: int = 0
    gate: tuple[int, ...] = ()

    def about(self, channel: str) -> Question:
        """The question about a channel that is connected; about none, where the channel is empty."""
        values = json.loads(json.dumps(vars(self)).replace("{channel}", channel or NO_CHANNEL))
        if channel and self.connected:
            values |= {"status": self.connected, "reason": ""}
        return Question(**{**values, "gate": tuple(self.gate)})

    def problem(self, status: int, answer: bytes, *, signed_in: bool = False) -> str:
        """What is wrong with an answer, in words; "" when it is right. signed_in: past the proxy, where one is."""
        if self.gate and not signed_in:
            return "" if status in self.gate else f"answers {status} to somebody who has not signed in"
        try:
            reason = json.loads(answer)["error"]["reason"]
        except (ValueError, TypeError, KeyError):
            reason = ""
        if status != self.status:
            return f"answers {status}{f' ({reason})' if reason else ''}, not {self.status}"
        if self.reason not in {"", reason}:
            return f"answers {reason or 'no reason'}, not {self.reason}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a function answers. audience: what a token for it is made out to, which a tagged address is not.

    local: on the stack, whose proxy signs everybody in.
    """

    url: str
    audience: str
    local: bool = False


@cache
def questions() -> Mapping[str, Question]:
    """Each function's question."""
    return {
        name: Question(**each) for name, each in tomllib.loads((ROOT / "infra" / "smoke.toml").read_text()).items()
    }


def ask(function: Function, place: Place, token: Token, *, channel: str = "") -> str:
    """Ask one function; what is wrong, in words, empty when nothing is."""
    question = questions()[function.name].about(channel)
    headers = dict(question.headers)
    try:
        if function.private:
            headers["Authorization"] = f"Bearer {token(function.callers[0], place.audience)}"
        with requests.Session() as session:
            session.trust_env = not place.local
            answer = session.request(
                question.method,
                place.url + question.path,
                params=dict(question.query),
                headers=headers,
                json=question.body,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            content = next(answer.iter_content(ANSWER_MAX), b"")
            return question.problem(answer.status_code, content, signed_in=place.local)
    except (requests.RequestException, gcloud.Refused) as error:
        return str(error)


def run(places: Mapping[str, Place], token: Token, *, channel: str = "") -> list[str]:
    """Ask several functions, a few at once, and print each answer; what was wrong, in words."""
    functions = [deployment().functions[name] for name in places]
    with ThreadPoolExecutor(gcloud.AT_ONCE) as pool:
        told = list(pool.map(lambda each: ask(each, places[each.name], token, channel=channel), functions))
    for function, problem in zip(functions, told, strict=True):
        print(
            f"{function.name:20} {problem or f'answers as it must ({questions()[function.name].shows})'}",
            flush=True,
        )
    return [f"{function.name} {problem}" for function, problem in zip(functions, told, strict=True) if problem]


def places(
    target: deploy.Target,
    found: Mapping[str, traffic.Service],
    *,
    names: Collection[str] | None = None,
    new: bool = False,
) -> dict[str, Place]:
    """Where functions answer: some, or all that are there. new: at the address of the newest revision.

    Before there is a front (YT_IAP_AUDIENCE is not set yet) nobody reaches what is to be behind it.
    """
    answering, front = {}, bool(target.values.get(VARIABLES["iap_audience"]))
    for name, function in target.declared.functions.items():
        service = found.get(function.service)
        reached = front or target.direct(function)
        if service is not None and reached and (names is None or name in names):
            url = service.url if target.direct(function) else target.values[VARIABLES["api_url"]]
            answering[name] = Place(url=service.next_url if new else url, audience=service.url)
    return answering


def impersonating(project: str) -> Token:
    """Tokens of the project's accounts, from gcloud. Raises `gcloud.Refused`."""

    def token(account: str, audience: str) -> str:
        address = deployment().address(account, project)
        asked = ("auth", "print-identity-token", f"--impersonate-service-account={address}")
        return gcloud.said(*asked, f"--audiences={audience}", "--include-email", "--quiet").strip()

    return token


def local(about: Mapping[str, Any]) -> tuple[Mapping[str, Place], Token]:
    """The functions of a local stack, as it describes itself, and tokens for them."""
    from infra.local.identity import IdentityKey
    from infra.local.moved_clock import MovedClock
    from infra.local.parts import IDENTITY_KEY

    key, clock = IdentityKey.load_or_create(Path(about["run"]) / IDENTITY_KEY), MovedClock(Path(about["clock"]))

    def token(account: str, audience: str) -> str:
        address = deployment().address(account, about["env"]["GOOGLE_CLOUD_PROJECT"])
        return key.token(email=address, audience=audience, now=clock.now())

    there, gateway = about["addresses"], about["addresses"]["gateway"]
    functions = [each for each in deployment().functions.values() if each.name in there]
    return {
        each.name: Place(url=gateway if each.paths else there[each.name], audience=there[each.name], local=True)
        for each in functions
    }, token


def _stack() -> Mapping[str, Any]:
    """The newest stack that runs from this tree."""
    from infra.local.stack import running

    if not (found := running()):
        raise SystemExit("No stack runs here: make up")
    return found[-1]


def main(given: Sequence[str] | None = None) -> int:
    """Ask, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--project", help="a deployed project")
    where.add_argument("--stack", action="store_true", help="the local stack that runs (make up)")
    parser.add_argument("--channel", default="", help="a connected channel")
    asked = parser.parse_args(given)
    absent: list[str] = []
    if asked.stack:
        answering, token = local(_stack())
    else:
        target = deploy.target(asked.project)
        found = traffic.services(asked.project, target.declared.region)
        answering, token = places(target, found), impersonating(asked.project)
        absent = [each.name for each in deployment().functions.values() if each.service not in found]
    wrong = [*(f"{name} is not there" for name in absent), *run(answering, token, channel=asked.channel)]
    print(*(f"\nWrong: {each}" for each in wrong), file=sys.stderr, sep="", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
