"""Compares what functions and their callers may do with what they were seen to do on the local stack.

    python -m infra.observed [RUN ...]      runs' folders under .local; the newest by default

Grants are those of infra/docs/privileges.md, which a test holds against Terraform's plan. A stack notes calls
where OBSERVED is set among its settings: functions' calls of Google by `infra/local/observed`, calls of private
functions by the gateway. A call that no grant allows is an error, and so is a grant that nothing has used, where
the runs did everything: `make demo` does, and ends with both lists.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.deployment import ROOT, deployment

VARIABLE = "OBSERVED"
"""Set among a stack's settings, it has calls noted."""
FOLDER = "calls"
PAGE = ROOT / "infra" / "docs" / "privileges.md"
LISTENER = ROOT / "infra" / "local" / "observed"
INVOKE = "invoke"
"""What is noted of a call of a private function: this, a colon, and the function."""
VIEWER, EDITOR, JOBS = ("bigquery.dataViewer", "bigquery.dataEditor", "bigquery.jobUser")
KEEPER = "secretmanager.secretVersionManager"
_READS_SQL = {"SELECT", "WITH"}
_PUBSUB = re.compile(r"/v1/projects/[^/]+/topics/([^/:]+):publish")
_OF_GOOGLE_CLOUD = re.compile(rf":(/(resumable/)?(upload/)?(bigquery|storage|download)/|{_PUBSUB.pattern})")
ONLY_AT_GOOGLE: Mapping[tuple[str, str], str] = {
    ("group:", VIEWER): "people query by themselves",
    ("group:", JOBS): "people query by themselves",
    ("@gcp-sa-pubsub.", "iam.serviceAccountTokenCreator"): "Pub/Sub's emulator signs nothing; the gateway does",
    ("@gcp-sa-pubsub.", "pubsub.publisher"): "Pub/Sub's emulator sets messages aside without an account",
    ("@gcp-sa-pubsub.", "pubsub.subscriber"): "Pub/Sub's emulator sets messages aside without an account",
    ("@gcp-sa-secretmanager.", "pubsub.publisher"): "the demo sends Secret Manager's notice itself",
}
"""Grants that nothing on the stack can use, by a part of the holder's name and the role, and why."""


@dataclass(frozen=True, order=True)
class Grant:
    """A role on one thing, as the page names it. holder: a function, in place of its account, or an account."""

    holder: str
    role: str
    on: str

    @property
    def unseen(self) -> str:
        """Why nothing on the stack can use it; "" for what must be seen."""
        found = (why for (who, role), why in ONLY_AT_GOOGLE.items() if who in self.holder and role == self.role)
        return next(found, "")


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
    """Every grant of the page."""
    functions = {each.account: each.name for each in deployment().functions.values()}
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (.+?) \|", page or PAGE.read_text(), re.MULTILINE)
    return [Grant(functions.get(who, who), role, on) for who, role, things in rows for on in things.split(", ")]


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
    if method.startswith("google.pubsub.v1.Subscriber/"):
        return [Need(("pubsub.subscriber",), f"pubsub_subscription {last}")]
    if method.startswith("google.cloud.secretmanager.v1."):
        secret = about[0].split("/")[3]
        role = "secretmanager.secretAccessor" if method.endswith("/AccessSecretVersion") else KEEPER
        return [Need((role,), f"secret_manager_secret {secret}")]
    return list(_over_http(*method.split(":", 1), *about[:1]))


def _over_http(verb: str, path: str, word: str = "") -> Iterator[Need]:
    if verb == INVOKE:
        yield Need(("run.invoker",), f"function {path}")
    elif found := _PUBSUB.fullmatch(path):
        yield Need(("pubsub.publisher",), f"pubsub_topic {found[1]}")
    elif "/bigquery/" in path:
        if "/datasets/" not in path:
            yield Need((JOBS,), "project")
        reads = verb == "GET" or (word.upper() in _READS_SQL and path.endswith(("/queries", "/jobs")))
        yield Need((VIEWER, EDITOR) if reads else (EDITOR,), "bigquery_dataset")
    elif "/storage/" in path or "/o/" in path:
        yield Need(("storage.objectViewer",), "storage_bucket")
    else:
        raise ValueError(f"nobody has said what {verb} {path} needs")


def calls(*runs: Path) -> Mapping[str, frozenset[str]]:
    """What each holder was seen to call, each call once; calls of YouTube, Google's keys and others left out."""
    found: dict[str, set[str]] = {}
    for file in sorted(file for run in runs for file in (run / FOLDER).glob("*")):
        found.setdefault(file.name, set()).update(
            each for each in file.read_text().splitlines() if ":/" not in each or _OF_GOOGLE_CLOUD.search(each)
        )
    return {holder: frozenset(made) for holder, made in found.items()}


def compared(held: Iterable[Grant], seen: Mapping[str, Iterable[str]]) -> tuple[list[str], list[Grant]]:
    """Calls that no grant allows, in words; grants that no call has used, though the stack can."""
    held = list(held)
    refused, used = [], set[Grant]()
    for holder, made in seen.items():
        own = [each for each in held if each.holder == holder]
        for call in sorted(made):
            for need in needs(call):
                allowing = [each for each in own if need.met_by(each)]
                used.update(allowing)
                if not allowing:
                    roles = ", ".join(need.roles)
                    refused.append(f"{holder} called {call}, and has none of {roles} on {need.on}")
    for name, declared in deployment().functions.items():  # what Cloud Run reads for it, before it starts
        used |= {
            Grant(name, "secretmanager.secretAccessor", f"secret_manager_secret {each}")
            for each in declared.mounted
        }
    return refused, sorted(each for each in set(held) - used if not each.unseen)


@dataclass(frozen=True)
class Matched:
    """Grants held against calls. held: grants that the stack can use; only_at_google: those that it cannot."""

    held: int = 0
    only_at_google: int = 0
    refused: Sequence[str] = ()
    unused: Sequence[Grant] = ()

    @property
    def problems(self) -> list[str]:
        """What is not granted, and what is granted for nothing, in words."""
        return [
            *(f"not granted: {each}" for each in self.refused),
            *(f"granted for nothing: {each.holder} has {each.role} on {each.on}" for each in self.unused),
        ]


def matched(*runs: Path) -> Matched:
    """Every grant held against what some runs have done."""
    held = grants()
    elsewhere = sum(bool(each.unseen) for each in held)
    return Matched(len(held) - elsewhere, elsewhere, *compared(held, calls(*runs)))


def main() -> int:
    """Print both lists. Exit status 1 where one has an entry."""
    parser = argparse.ArgumentParser(prog="python -m infra.observed", description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path)
    runs = parser.parse_args().runs or [
        each.parent for each in sorted((ROOT / ".local").glob(f"run-*/{FOLDER}"))[-1:]
    ]
    if not runs:
        print(f"No run was observed: make demo, or {VARIABLE}=1 make up", file=sys.stderr)
        return 1
    found = matched(*runs)
    print(f"{found.held} grants, {len(found.unused)} of them unused; {len(found.refused)} calls without a grant; "
          f"{found.only_at_google} grants more, which only Google itself uses")  # fmt: skip
    print(*found.problems, sep="\n", end="\n" if found.problems else "")
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
