"""Renews the tables that the documents print from the code.

    python -m infra.documents            rewrites every table
    python -m infra.documents --check    names the documents that are out of date, and fails

A table stands between `<!-- name -->` and `<!-- /name -->` in one page of infra/docs/.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from infra import policy_table
from infra.data_map import WORDS, group_indexes, ttl_policies
from infra.deployment import ROOT, Function, deployment
from infra.endpoints import called, endpoints
from infra.faults import Outcome, case_list, fault_list
from infra.marts import QUERIED, described
from shared.collection.analytics.plan import Query, Window, queries
from shared.data_map import COLLECTIONS, ID
from shared.quota.profile import load
from shared.settings import Settings, meanings, variable
from shared.warehouse.checks import CHECKS
from shared.warehouse.report_types import FAMILIES, PROFILES, REPORT_TYPES
from shared.watch.conditions import ALARMS, CALLS_MIN, Condition

DOCS = ROOT / "infra" / "docs"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as Markdown writes it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def functions() -> str:
    """Every declared function: who calls it, its resources, and the first paragraph of its docstring."""
    rows = [
        (
            f"`{each.name}`",
            _called_by(each),
            each.memory,
            f"{each.cpu:g}",
            f"{each.timeout} s",
            _first_paragraph(each.name),
        )
        for each in deployment().functions.values()
    ]
    return table(("function", "called by", "memory", "vCPU", "at most", "what it does"), rows)


def _called_by(function: Function) -> str:
    at = ", ".join(f"`{path}`" for path in function.paths)
    if function.trigger == "http-public":
        return f"anyone, at {at}"
    if function.trigger == "http-iap":
        return f"people behind Identity-Aware Proxy, at {at}"
    if function.trigger == "pubsub":
        return f"Pub/Sub, topic `{function.topic}`"
    times = [f"`{each.cron}`" for each in deployment().schedules.values() if each.function == function.name]
    return ", ".join(function.callers) + (f" ({', '.join(times)} UTC)" if times else "")


def _first_paragraph(name: str) -> str:
    source = (ROOT / "functions" / name / "main.py").read_text()
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def queues() -> str:
    """Every Cloud Tasks queue with its rate and its retries."""
    rows = [
        (
            f"`{each.name}`",
            f"{each.max_dispatches_per_second:g} a second",
            each.max_concurrent_dispatches,
            each.max_attempts,
            f"{each.min_backoff:g} to {each.max_backoff:g} s",
        )
        for each in deployment().queues.values()
    ]
    return table(("queue", "dispatches", "at once", "attempts", "between attempts"), rows)


def secrets() -> str:
    """Every secret, and the functions that may read it."""
    readers = deployment().functions.values()
    rows = [
        (f"`{each.name}`", each.holds, ", ".join(f"`{by.name}`" for by in readers if each.name in by.secrets))
        for each in deployment().secrets.values()
    ]
    return table(("secret", "what it holds", "read by"), rows)


def settings() -> str:
    """Every setting with its default."""
    rows = [
        (f"`{variable(item.name)}`", _default(item.default), meanings()[item.name]) for item in fields(Settings)
    ]
    return table(("variable", "default", "what it sets"), rows)


def _default(value: object) -> str:
    if value is MISSING:
        return "**required**"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else "none"


def faults() -> str:
    """The faults that must be survived, each with the tests that show it."""
    shown = _tests_by_line("fault")
    parts = []
    for group, lines in groupby(fault_list().values(), key=lambda line: line.group):
        rows = [(line.id, line.text, ", ".join(shown[line.id])) for line in lines]
        parts.append(f"### {group}\n\n" + table(("", "what is survived", "shown by"), rows))
    return "\n\n".join(parts)


def cases() -> str:
    """The cases from the field, each with its kind, what is right and the tests that show it."""
    shown = _tests_by_line("case")
    parts = []
    for group, lines in groupby(case_list().values(), key=lambda case: case.group):
        rows = [
            (case.id, case.kind, case.text, case.right, ", ".join(shown[case.id]) or Outcome.NO_TEST.value)
            for case in lines
        ]
        parts.append(f"## {group}\n\n" + table(("", "kind", "what goes in", "what is right", "shown by"), rows))
    return "\n\n".join(parts)


def _tests_by_line(mark: str) -> Mapping[str, list[str]]:
    shown: dict[str, list[str]] = defaultdict(list)
    for node in _tests():
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == f"pytest.mark.{mark}":
                for line in decorator.args:
                    shown[str(ast.literal_eval(line))].append(f"`{node.name}`")
    return shown


@cache
def _tests() -> Sequence[ast.FunctionDef]:
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text())))
    return [node for node in nodes if isinstance(node, ast.FunctionDef)]


def checks() -> str:
    """Every quality check with its threshold."""
    return table(
        ("check", "finds", "threshold"), ((f"`{each.name}`", each.about, f"{each.threshold:g}") for each in CHECKS)
    )


def report_types() -> str:
    """Every report type, the most valuable first: its profile, by what a row is known, how many metrics it has."""
    first = {each: profile for profile, families in reversed(PROFILES.items()) for each in families}
    rows = [
        (f"`{type_id}`", first[family], ", ".join(kind.dimensions), len(kind.metrics))
        for family in PROFILES["full"]
        for type_id in FAMILIES[family]
        for kind in (REPORT_TYPES[type_id],)
    ]
    return table(("report type", "from profile", "a row is known by its day and", "metrics"), rows)


def weights() -> str:
    """Every metric that does not add up over rows, with the one that weighs it."""
    weighed = {metric: weight for each in REPORT_TYPES.values() for metric, weight in each.weights.items()}
    rows = [(f"`{metric}`", f"`{weight}`" if weight else "none in the file") for metric, weight in weighed.items()]
    return table(("metric", "weighed by"), rows)


def youtube_endpoints() -> str:
    """Every method of YouTube's that is called: what for, with which parts, at which price, and where."""
    profile = load("current")
    rows = [
        (
            f"`{each.method}`",
            each.purpose,
            "<br>".join((*each.parts, *((f"of {', '.join(each.of)}",) if each.of else ()))),
            each.batch,
            f"{profile.method(each.method).cost} of `{profile.method(each.method).bucket}`",
            _kept(each.cached),
            ", ".join(f"`{place}`" for place in called()[each.method]),
        )
        for each in endpoints().values()
    ]
    return table(("endpoint", "purpose", "part", "batch", "cost", "kept", "in `shared/youtube`"), rows)


def _kept(seconds: int) -> str:
    hours = timedelta(seconds=seconds) / timedelta(hours=1)
    return "" if not seconds else f"{hours:g} h" if hours >= 1 else f"{hours * 60:g} min"


def analytics() -> str:
    """Every query of the Analytics API: what it is about, how often it is asked, what is read again."""
    rows = [
        (
            f"`{each.name}`",
            ", ".join(each.dimensions),
            ", ".join(each.metrics),
            _window(each),
            f"{each.every} d",
            each.needs,
            each.value,
        )
        for each in queries().values()
    ]
    return table(("query", "by", "metrics", "about", "asked every", "needs", "value"), rows)


def _window(query: Query) -> str:
    history = "; before the first report back to the channel's birth" if query.history else ""
    return {
        Window.DAYS: f"the last {query.restated} days, and what is missing{history}",
        Window.MONTH: f"each of three months, until {query.restated} days after its end",
        Window.VIDEO: "one video since its publication",
    }[query.window]


def marts() -> str:
    """Every view that people query: what it answers, what is unique in it, what each column says."""
    return "\n\n".join(
        "\n\n".join(
            (
                f"### `{each.name}`",
                each.summary,
                f"One row for each {', '.join(f'`{name}`' for name in each.unique)}. "
                + (f"Reads every day: {each.why}." if each.why else f"Filter on `{each.days}`."),
                table(("column", "what it says"), ((f"`{name}`", says) for name, says in each.columns.items())),
            )
        )
        for each in map(described, QUERIED)
    )


def bill() -> str:
    """What a month costs; the model takes a second to import, as nothing else here does."""
    from infra.models.cost import page

    return page()


def collections() -> str:
    """Every collection of Firestore: whose it is, what is sealed in it, how long it stays."""
    rows = [
        (
            f"`{each.path}`",
            words.owner,
            words.key,
            _field(each.channel),
            _field(each.user),
            ", ".join(f"`{name}`" for name in each.sealed),
            words.retention,
            words.remains,
        )
        for each in COLLECTIONS
        for words in [WORDS[each.path]]
    ]
    head = ("collection", "room", "id", "channel in", "user in", "sealed", "kept", "a disconnect leaves")
    return table(head, rows)


def _field(name: str) -> str:
    return "the id" if name == ID else f"`{name}`" if name else ""


def ttl() -> str:
    """The commands that make Firestore delete what has expired."""
    return "\n".join(
        f"    gcloud firestore fields ttls update {field} --collection-group={name} --enable-ttl"
        for name, field in ttl_policies().items()
    )


def indexes() -> str:
    """The commands that make the indexes that Firestore does not make by itself.

    gcloud knows no index of one field over all collections of a name; so Firestore is asked directly.
    """
    fields = "https://firestore.googleapis.com/v1/projects/$(gcloud config get project)/databases/(default)"
    return "\n\n".join(
        "    curl --fail-with-body --silent --show-error --request PATCH \\\n"
        '      --header "Authorization: Bearer $(gcloud auth print-access-token)" \\\n'
        "      --header 'Content-Type: application/json' \\\n"
        f"      --data '{json.dumps(_across(field))}' \\\n"
        f'      "{fields}/collectionGroups/{name}/fields/{field}?updateMask=indexConfig"'
        for name, field in group_indexes().items()
    )


def _across(field: str) -> dict[str, Any]:
    """A field's configuration: one index over all collections of a name, and none within one."""
    index = {"queryScope": "COLLECTION_GROUP", "fields": [{"fieldPath": field, "order": "ASCENDING"}]}
    return {"indexConfig": {"indexes": [index]}}


def alarms() -> str:
    """Every alarm, whoever notices it."""
    rows = [
        (
            f"[`{each.key}`]({each.runbook.rpartition('/')[2]})",
            _said(each),
            f"{each.threshold:,g}" if each.threshold is not None else "",
            _lasting(each.after),
            each.severity,
            each.done,
        )
        for each in ALARMS.values()
    ]
    return table(
        ("alarm", "what it says", "from", "once it lasts for", "severity", "what is done by itself"), rows
    )


def alarm_faults() -> str:
    """Every alarm with the fault that tests inject, what is then told and done, what ends it, and the tests."""
    shown = _tests_by_line("alarm")
    declared = yaml.safe_load((ROOT / "tests" / "faults" / "alarms.yaml").read_text())
    rows = [
        (
            f"`{key}`",
            declared[key]["fault"],
            f"{each.severity}: {declared[key].get('notice') or _said(each)}",
            each.done,
            declared[key]["over"],
            ", ".join(shown[key]) or Outcome.NO_TEST.value,
        )
        for key, each in ALARMS.items()
    ]
    return table(("alarm", "injected fault", "notice", "done by itself", "ended by", "shown by"), rows)


def _said(alarm: Condition) -> str:
    """What an alarm says, whatever it is about."""
    return alarm.says.strip().format(count="n", since="when", what="which", app="the app")


def _lasting(after: timedelta) -> str:
    minutes = after / timedelta(minutes=1)
    return f"{minutes:g} minutes" if minutes else "any time"


TABLES: Mapping[str, Callable[[], str]] = {
    "functions": functions,
    "queues": queues,
    "secrets": secrets,
    "settings": settings,
    "policy": policy_table.as_markdown,
    "faults": faults,
    "cases": cases,
    "report types": report_types,
    "weights": weights,
    "endpoints": youtube_endpoints,
    "analytics": analytics,
    "marts": marts,
    "checks": checks,
    "alarms": alarms,
    "alarm faults": alarm_faults,
    "bill": bill,
    "collections": collections,
    "ttl": ttl,
    "indexes": indexes,
}
_MARKED = re.compile(r"(<!-- ([a-z ]+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


def pages() -> list[Path]:
    """Every document that has tables of the code."""
    return [*sorted(DOCS.glob("*.md")), ROOT / "infra" / "decisions" / "cost.md"]


def tables_in(text: str) -> list[str]:
    """The names of the tables that a document has a place for."""
    return [found[2] for found in _MARKED.finditer(text)]


def renewed(text: str) -> str:
    """A document with every table as the code has it now. Raises KeyError for a table that nobody makes."""
    return _MARKED.sub(lambda found: found[1] + TABLES[found[2]]().rstrip() + "\n" + found[3], text)


def data_map() -> str:
    """What Terraform has to know of Firestore: fields by which documents expire, and are queried across."""
    return json.dumps({"ttl": ttl_policies(), "group_indexes": group_indexes()}, indent=2) + "\n"


def alarms_told() -> str:
    """What Terraform has to know of the alarms: how bad each is, what it says and what to do."""
    told = {
        key: {
            "severity": each.severity,
            "says": _said(each),
            **{name: (getattr(each, name) or "").strip() for name in ("stops", "done", "todo", "code", "runbook")},
            **(
                {"share": each.share, "threshold": each.threshold, "least": CALLS_MIN}
                if each.noticed == "monitoring"
                else {}
            ),
        }
        for key, each in ALARMS.items()
    }
    return json.dumps(told, indent=2) + "\n"


def main() -> int:
    """Exit status 1 when --check finds a difference."""
    wanted = {path: renewed(path.read_text()) for path in pages()}
    for name, text in (("data_map", data_map()), ("alarms", alarms_told())):
        wanted[ROOT / "infra" / "terraform" / f"{name}.json"] = text
    old = {path: text for path, text in wanted.items() if not path.is_file() or path.read_text() != text}
    for path, text in old.items():
        if "--check" in sys.argv[1:]:
            print(f"{path.relative_to(ROOT)} is out of date. Run: make documents", file=sys.stderr)
        else:
            path.write_text(text)
    return int("--check" in sys.argv[1:] and bool(old))


if __name__ == "__main__":
    sys.exit(main())
