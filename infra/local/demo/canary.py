"""Every secret that was ever issued, searched for in everything that was ever written or shown.

The simulator remembers each code, token, verifier and upload session that it gave or saw. None of them,
and not our client's secret, may stand in the clear in a page, in a log, in Firestore or in the warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

from infra.local import loopback
from infra.local.demo import control
from infra.local.demo.connect import connect, people
from infra.local.demo.unmapped import Document
from infra.local.stack import OAUTH_CLIENT, Stack
from shared.console.page import pages as pages_of_the_console
from shared.console.words import words
from shared.pages import known_reasons

if TYPE_CHECKING:
    from google.cloud.bigquery import Client as Warehouse

_CALLBACK, _DONE = "/auth/youtube/callback", "/auth/youtube/done"
_PAGES_AT_ONCE = 8
_WINDOW = 12  # characters by which a secret is noticed before it is compared whole
_WORD = re.compile(r"[A-Za-z0-9_\-.~+/]{12,}")
_NOT_OURS = {
    "app_id_token"
}  # the app's own sign-in; it never reaches our storage, and it is no secret of Google's


def leaks(
    stack: Stack,
    database: Callable[[], Iterable[Document]],
    warehouse: Warehouse,
    dataset: str,
    *,
    said: Callable[[str], None],
) -> tuple[int, list[str]]:
    """How many secrets were looked for, and where any was found.

    database: reads every Firestore document; it is asked once the pages have been shown, because they write too.
    said: told of each place before it is read.
    """
    said("the pages")
    shown = pages(stack)  # first, because looking at them sends one more person to Google
    issued = control.ask(stack, "issued")["issued"]
    secrets = {value: kind for kind, values in issued.items() if kind not in _NOT_OURS for value in values}
    secrets[OAUTH_CLIENT["client_secret"]] = "client secret"
    places = {
        "a page": shown,
        "a log": [stack.logs()],
        "Firestore": (repr(fields) for _, fields in database()),
        "the warehouse": _texts(warehouse, dataset),
    }
    found = []
    for place, texts in places.items():
        said(place)
        kinds = sorted({secrets[secret] for secret in search(secrets, "\n".join(texts))})
        found += [f"a {kind} stands in the clear in {place}" for kind in kinds]
    return len(secrets), found


def pages(stack: Stack) -> list[str]:
    """Everything that we show to anybody, headers included: the console, its JSON, and the consent's way.

    One person connects a channel again, declines once, and sends both of Google's answers a second time.
    """
    app = stack.url("gateway")
    served: list[httpx.Response] = []

    def keep(answer: httpx.Response) -> None:
        answer.read()
        served.append(answer)

    with loopback.client(timeout=60, event_hooks={"response": [keep]}) as http:
        person = people(stack, users=1)[0]
        for choice in ({}, {"deny": True}):
            connect(stack, http, person, person.channels[0], **choice)
        for answer in [answer for answer in served if answer.url.path == _CALLBACK]:
            http.send(answer.request)
        queries = [{}, {"channel": person.channels[0]}, *({"state": state} for state in words("states"))]
        asked = [(f"{app}{_DONE}", {"outcome": reason}) for reason in known_reasons()]
        asked += [
            (f"{app}/console/{name.replace('overview', '')}", {**query, "format": form})
            for query in queries
            for name in pages_of_the_console()
            for form in ("html", "json")
        ]
        asked += [(f"{app}/console/nowhere", {})]
        with ThreadPoolExecutor(_PAGES_AT_ONCE) as pool:
            list(pool.map(lambda each: http.get(each[0], params=each[1]), asked))
    stack.wait_idle(timeout=120)  # a channel connected again is collected again
    return [f"{dict(answer.headers)}\n{answer.text}" for answer in served if str(answer.url).startswith(app)]


def search(secrets: Iterable[str], text: str) -> set[str]:
    """Those of many secrets that stand in a text; one pass, however many there are."""
    by_start: dict[str, list[str]] = {}
    for secret in secrets:
        by_start.setdefault(secret[:_WINDOW], []).append(secret)
    found = set()
    for word in set(_WORD.findall(text)):
        for start in range(len(word) - _WINDOW + 1):
            for secret in by_start.get(word[start : start + _WINDOW], ()):
                if secret in text:
                    found.add(secret)
    return found


def _texts(warehouse: Warehouse, dataset: str) -> Iterator[str]:
    """Every different text in the text columns of every table."""
    as_text = {"STRING": "`{}`", "JSON": "TO_JSON_STRING(`{}`)"}
    for item in warehouse.list_tables(dataset):
        if item.table_type == "VIEW":
            continue
        columns = ((column.name, as_text.get(column.field_type)) for column in warehouse.get_table(item).schema)
        texts = ", ".join(text.format(name) for name, text in columns if text)
        table = f"`{warehouse.project}.{dataset}.{item.table_id}`"
        sql = f"SELECT DISTINCT text FROM {table} CROSS JOIN UNNEST([{texts}]) AS text WHERE text IS NOT NULL"
        yield from (row[0] for row in warehouse.query(sql).result())
