"""Compares what each function may touch with what it was seen to touch on the local stack.

    python -m infra.observed [RUN]      a run's folder under .local; the newest by default

Grants are those of infra/docs/privileges.md, which a test holds against Terraform's plan. Calls are those that
`infra/local/observed` noted while the stack ran with OBSERVED set. A call that no grant allows is an error. A
grant that no call has used is told, and is an error only where the run did everything (`make demo`, with --whole).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.deployment import ROOT, deployment

VARIABLE = "OBSERVED"
"""Set among a stack's settings, it has the functions' calls noted."""
FOLDER = "calls"
PAGE = ROOT / "infra" / "docs" / "privileges.md"
LISTENER = ROOT / "infra" / "local" / "observed"
VIEWER, EDITOR, JOBS = ("bigquery.dataViewer", "bigquery.dataEditor", "bigquery.jobUser")
KEEPER = "secretmanager.secretVersionManager"
_READS_SQL = {"SELECT", "WITH"}


@dataclass(frozen=True, order=True)
class Grant:
    """A role of a function's account on one thing, as the page names it."""

    function: str
    role: str
    on: str


@dataclass(frozen=True)
class Need:
    """What a call needs: one of some roles on a thing."""

    roles: tuple[str, ...]
    on: str

    def met_by(self, grant: Grant) -> bool:
        """Whether a grant allows it."""
        return grant.role in self.roles and grant.on.split()[0] == self.on.split()[0] and self._same(grant.on)

    def _same(self, on: str) -> bool:
        """Datasets, projects and buckets are called otherwise on the stack; there is one of each kind."""
        kind = self.on.split()[0]
        return kind in {"project", "bigquery_dataset", "storage_bucket"} or on == self.on


def grants(page: str | None = None) -> list[Grant]:
    """What functions' accounts may do."""
    functions = {each.account: each.name for each in deployment().functions.values()}
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (.+?) \|", page or PAGE.read_text(), re.MULTILINE)
    return [
        Grant(functions[who], role, on)
        for who, role, things in rows
        if who in functions
        for on in things.split(", ")
    ]


def needs(call: str) -> list[Need]:
    """What a noted call needs. Raises ValueError for one that nobody has said anything about."""
    method, *about = call.split(" ")
    last = about[0].rpartition("/")[2] if about else ""
    if method.startswith("google.firestore.v1.Firestore/"):
        return [Need(("datastore.user",), "project")]
    if method == "google.cloud.tasks.v2.CloudTasks/CreateTask":
        account = about[1].partition("@")[0]
        queue = Need(("cloudtasks.enqueuer",), f"cloud_tasks_queue {last}")
        return [queue, Need(("iam.serviceAccountUser",), f"service_account {account}")]
    if method == "google.pubsub.v1.Publisher/Publish":
        return [Need(("pubsub.publisher",), f"pubsub_topic {last}")]
    if method.startswith("google.pubsub.v1.Subscriber/"):
        return [Need(("pubsub.subscriber",), f"pubsub_subscription {last}")]
    if method.startswith("google.cloud.secretmanager.v1."):
        secret = about[0].split("/")[3]
        role = "secretmanager.secretAccessor" if method.endswith("/AccessSecretVersion") else KEEPER
        return [Need((role,), f"secret_manager_secret {secret}")]
    return list(_over_http(*method.split(":", 1), *about[:1]))


def _over_http(verb: str, path: str, word: str = "") -> Iterator[Need]:
    if "/bigquery/" in path:
        if "/datasets/" not in path:
            yield Need((JOBS,), "project")
        reads = verb == "GET" or (word.upper() in _READS_SQL and path.endswith(("/queries", "/jobs")))
        yield Need((VIEWER, EDITOR) if reads else (EDITOR,), "bigquery_dataset")
    elif "/storage/" in path or "/o/" in path:
        yield Need(("storage.objectViewer",), "storage_bucket")
    else:
        raise ValueError(f"nobody has said what {verb} {path} needs")


def calls(run: Path) -> Mapping[str, frozenset[str]]:
    """What each function was seen to call, each call once; calls of YouTube, Google's keys and others left out."""
    found = {}
    for file in sorted((run / FOLDER).glob("*")):
        lines = set(file.read_text().splitlines())
        ours = {
            each
            for each in lines
            if ":/" not in each or re.search(r":/(resumable/)?(upload/)?(bigquery|storage|download)/", each)
        }
        found[file.name] = frozenset(ours)
    return found


def compared(held: Iterable[Grant], seen: Mapping[str, Iterable[str]]) -> tuple[list[str], list[Grant]]:
    """Calls that no grant allows, in words; grants that no call has used."""
    held = list(held)
    refused, used = [], set[Grant]()
    for function, made in seen.items():
        own = [each for each in held if each.function == function]
        for call in sorted(made):
            for need in needs(call):
                allowing = [each for each in own if need.met_by(each)]
                used.update(allowing)
                if not allowing:
                    refused.append(
                        f"{function} called {call}, and has none of {', '.join(need.roles)} on {need.on}"
                    )
    for name, declared in deployment().functions.items():  # what Cloud Run reads for it, before it starts
        used |= {
            Grant(name, "secretmanager.secretAccessor", f"secret_manager_secret {each}")
            for each in declared.mounted
        }
    return refused, sorted(set(held) - used)


def main() -> int:
    """Print both lists."""
    parser = argparse.ArgumentParser(prog="python -m infra.observed", description=__doc__)
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--whole", action="store_true", help="the run did everything: an unused grant is an error")
    asked = parser.parse_args()
    found = sorted((ROOT / ".local").glob(f"run-*/{FOLDER}"))
    if asked.run is None and not found:
        print(f"No run was observed: {VARIABLE}=1 make demo", file=sys.stderr)
        return 1
    seen = calls(asked.run or found[-1].parent)
    refused, unused = compared(grants(), seen)
    print(f"{sum(map(len, seen.values()))} different calls of {len(seen)} functions")
    print(*(f"not granted: {each}" for each in refused), sep="\n", end="\n" if refused else "")
    print(*(f"not seen: {each.function} uses {each.role} on {each.on}" for each in unused), sep="\n")
    return 1 if refused or (asked.whole and unused) else 0


if __name__ == "__main__":
    sys.exit(main())
