"""Users connect channels, through the same redirects as a browser follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import httpx

from infra.local import loopback
from infra.local.demo import control
from infra.local.stack import Stack
from shared.access.features import REVENUE

USERS_AT_ONCE = 6
_HOPS = 8


@dataclass(frozen=True)
class Person:
    """One user of the app, and the Google account whose brand channels are theirs."""

    user: str
    email: str
    channels: tuple[str, ...]


def people(stack: Stack, *, users: int) -> list[Person]:
    """The first users of the simulated world: ordinary accounts with channels."""
    accounts = control.ask(stack, "world")["accounts"]
    ordinary = [account for account in accounts if account["channels"] and account["state"] == "ok"]
    return [
        Person(
            user=account["email"].partition("@")[0],
            email=account["email"],
            channels=tuple(channel["id"] for channel in account["channels"]),
        )
        for account in ordinary[:users]
    ]


def connect_all(
    stack: Stack, everybody: Sequence[Person], *, said: Callable[[int], None], unticked: Collection[str] = ()
) -> dict[str, str]:
    """Connect every channel of everybody. Answers channel to why it is not connected, for those that are not.

    said: told how many are done, as they are. unticked: channels whose owners do not allow revenue.
    """
    failures: dict[str, str] = {}
    done = 0
    with ThreadPoolExecutor(USERS_AT_ONCE) as pool:
        for future in as_completed(
            [pool.submit(_connect_person, stack, person, unticked) for person in everybody]
        ):
            for channel, refusal in future.result().items():
                done += 1
                if refusal:
                    failures[channel] = refusal
            said(done)
    return failures


def _connect_person(stack: Stack, person: Person, unticked: Collection[str]) -> dict[str, str | None]:
    with loopback.client(timeout=60) as http:
        return {
            channel: connect(stack, http, person, channel, untick=[REVENUE] if channel in unticked else [])
            for channel in person.channels
        }


def connect(stack: Stack, http: httpx.Client, person: Person, channel: str, **choice: Any) -> str | None:
    """One consent, from the app's button to the page that says how it went; None when it went well.

    choice: what the person does on Google's page beside choosing the channel (untick, deny).
    """
    prepared = {"login_hint": person.email, "user": person.email, "channel_id": channel, **choice}
    http.post(f"{stack.simulator}/control/consent", json=prepared).raise_for_status()
    form = {
        "id_token": stack.user_token(person.user),
        "features": "analytics,revenue,publish",
        "login_hint": person.email,
    }
    app = stack.url("gateway")
    answer = http.post(f"{app}/auth/youtube/start", data=form, headers={"Origin": app})
    answer = follow(http, answer)
    if answer.status_code == HTTPStatus.OK and "ref" in answer.url.params:
        return None
    return f"{answer.status_code} at {answer.url.path}: {_words(answer)}"


def follow(http: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Follow redirects as a browser would.

    Cookies are carried by hand: a browser takes 127.0.0.1 for a trustworthy origin and sends `Secure` cookies to
    it; the standard library's cookie jar does not.
    """
    cookies: dict[str, str] = {}
    for _ in range(_HOPS):
        cookies.update(_cookies(answer))
        if not answer.has_redirect_location:
            return answer
        address = urljoin(str(answer.url), answer.headers["location"])
        header = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
        answer = http.get(address, headers=header)
    return answer


def _cookies(answer: httpx.Response) -> Mapping[str, str]:
    pairs = (header.split(";", 1)[0] for header in answer.headers.get_list("set-cookie"))
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}


def _words(answer: httpx.Response) -> str:
    title = re.search(r"<title>(.*?)</title>", answer.text, re.DOTALL)
    return " ".join(title.group(1).split()) if title else answer.text[:200]
