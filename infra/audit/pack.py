"""The audit pack as one Markdown document, and the same as HTML."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from infra import documents
from infra.documents import table
from infra.endpoints import endpoints
from infra.judges.apis import methods
from infra.judges.schemas import document
from shared.access.features import ALWAYS, FEATURES
from shared.access.receipts import Receipt
from shared.clock import to_the_second
from shared.data_map import erased
from shared.pages import known_reasons, words_for
from shared.warehouse.tables import TABLES

POLICIES = Path(__file__).with_name("policies.toml")
PROMISED = timedelta(days=7)
"""Within which a deletion must be done (Developer Policies, III.D.2)."""
TERMS = "https://www.youtube.com/t/terms"
"""What a page that shows YouTube's data links to."""
_AGGREGATION = {
    "": "none. Numbers of several channels are not added up anywhere.",
    "one-content-owner": "`one-content-owner`: all channels are of one content owner that YouTube recognises.",
    "amendment-accepted": "`amendment-accepted`: YouTube's amendment for audited developers has been accepted.",
}


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A picture of a page. file: in the pack's folder. attributed: it links to YouTube's terms."""

    address: str
    title: str
    file: str
    attributed: bool


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is not in the code. aggregation: the setting YT_AGGREGATION. receipts: the newest first."""

    project: str
    made_at: datetime
    aggregation: str
    receipts: Sequence[Receipt]
    screens: Sequence[Screen]


def policies() -> list[dict[str, Any]]:
    """Which policy is kept where."""
    found: list[dict[str, Any]] = tomllib.loads(POLICIES.read_text())["policies"]
    return found


def as_markdown(facts: Facts) -> str:
    """The document."""
    parts = {
        "What users are asked for": _scopes(),
        "What users are told": _told(),
        "What is called": documents.youtube_endpoints(),
        "What Firestore keeps, and how long": documents.collections(),
        "What the warehouse keeps, and how long": _tables(),
        "What a disconnect deletes, in this order": _deleted(),
        "The last deletions": _receipts(facts.receipts),
        "Numbers of several channels": f"The setting `YT_AGGREGATION` is {_AGGREGATION[facts.aggregation]}",
        "YouTube's policies, and where they are kept": _policies(),
        "Who may read which secret": documents.secrets(),
        "Pages that show YouTube's data": _screens(facts.screens),
    }
    head = (
        f"# Audit pack of {facts.project}\n\nMade {to_the_second(facts.made_at)} from the code and its database."
    )
    return "\n\n".join([head, *(f"## {title}\n\n{text.strip()}" for title, text in parts.items())]) + "\n"


def as_html(markdown: str) -> str:
    """The document for a browser. What looks like HTML in it is shown, not obeyed; `<br>` breaks a line."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    title = html.escape(markdown.partition("\n")[0].removeprefix("# "))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    return f'<!doctype html><html lang="en">{head}<style>{_STYLE}</style><main>{body}</main></html>\n'.replace(
        "&lt;br&gt;", "<br>"
    )


_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem }
main { padding: 0 1rem; overflow-wrap: anywhere } table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem; text-align: left; vertical-align: top }
img { max-width: 100%; border: 1px solid #8886 } h2 { margin-top: 2.5rem } code { font-size: .9em }
"""


def _scopes() -> str:
    """Every scope that is asked for: when, what Google says that it allows, and what it is used for."""
    asked = {scope: ["always"] for scope in ALWAYS}
    for feature, scopes in FEATURES.items():
        for scope in scopes:
            asked.setdefault(scope, []).append(f"for `{feature}`")
    says, serves = _said_by_google()
    rows = (
        (
            f"`{scope}`",
            ", ".join(when),
            says.get(scope, "Which Google account it is."),
            _used(serves.get(scope, [])),
        )
        for scope, when in asked.items()
    )
    return table(("scope", "asked", "what Google tells the user", "what it is used for"), rows)


def _used(methods: Sequence[str]) -> str:
    return "<br>".join(f"`{method}`: {endpoints()[method].purpose}" for method in methods) or "the account's id"


def _said_by_google() -> tuple[Mapping[str, str], Mapping[str, list[str]]]:
    """Of each scope, Google's own words for it, and the methods called here that it allows."""
    says: dict[str, str] = {}
    serves: dict[str, list[str]] = {}
    for name in ("youtube.v3", "youtubeAnalytics.v2", "youtubereporting.v1"):
        says |= {scope: each["description"] for scope, each in document(name)["auth"]["oauth2"]["scopes"].items()}
        for method in methods(document(name)):
            for scope in method.get("scopes", ()) if method["id"] in endpoints() else ():
                serves.setdefault(scope, []).append(method["id"])
    return says, serves


def _told() -> str:
    """Every page that may end a consent."""
    told = {(words.title, words.text) for words in map(words_for, known_reasons())}
    return table(("page", "text"), sorted(told))


def _tables() -> str:
    rows = (
        (
            f"`{each.name}`",
            f"{each.days} days"
            if each.days
            else "while the channel is connected"
            if each.of_connection
            else "for good",
            "deleted" if each.of_connection else "stays: none of it is YouTube's" if not each.days else "expires",
        )
        for each in TABLES
    )
    return table(("table", "kept", "at a disconnect"), rows)


def _deleted() -> str:
    names = [f"`{each.path}` ({each.erased_as})" for each in erased()]
    return "\n".join(
        f"{number}. {name}" for number, name in enumerate([*names, "the warehouse's rows", "`channels`"], 1)
    )


def _receipts(receipts: Sequence[Receipt]) -> str:
    """Receipts without ids of channels and users: a receipt's own id is a hash."""
    if not receipts:
        return "Nobody has disconnected a channel in the last 400 days."
    rows = (
        (
            f"`{each.receipt_id}`",
            to_the_second(each.requested_at),
            each.by,
            _done(each),
            "<br>".join(f"{name}: {'under way' if step['count'] is None else step['count']}"
                        for name, step in sorted(each.steps.items())),
            each.revocation,
        )
        for each in receipts
    )  # fmt: skip
    return table(("receipt", "asked for at", "by", "done", "deleted", "permission at Google"), rows)


def _done(receipt: Receipt) -> str:
    if receipt.finished_at is None:
        return "under way"
    took = receipt.finished_at - receipt.requested_at
    return f"{to_the_second(receipt.finished_at)}, {'in time' if took <= PROMISED else 'late'}"


def _policies() -> str:
    rows = (
        (
            each["policy"],
            each["demands"],
            each["kept"],
            "<br>".join(f"`{path}`" for path in each["code"]),
            "<br>".join(f"`{test}`" for test in each["tests"]),
        )
        for each in policies()
    )
    return table(("policy", "demands", "kept", "in", "shown by"), rows)


def _screens(screens: Sequence[Screen]) -> str:
    if not screens:
        return "Without pictures: they are taken of a local stack (`--stack`), whose channels are invented."
    return "\n\n".join(map(_picture, screens))


def _picture(screen: Screen) -> str:
    title, word = _plain(screen.title), "with" if screen.attributed else "**without**"
    about = f"`{screen.address}`, {word} a link to YouTube's terms"
    return f"### {title}\n\n{about}\n\n![{title}]({screen.file})"


def _plain(text: str) -> str:
    """A title as Markdown shows it letter by letter."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_{}[]<>()#+-.!|&" else letter for letter in " ".join(text.split())
    )
