"""The deployments that are rehearsed, one after the other, and what each must change."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.deployment import deployment
from infra.rehearsal import functions, secrets, services, surroundings, tree, warehouse
from infra.rehearsal.cloud import Cloud
from infra.rehearsal.server import environment, serving
from infra.rehearsal.warm import warm

DIES_AFTER = warehouse.CHANGES + 5
"""Changes until the first deployment dies: in the middle of the functions."""
CHANGED = "run_operation"
"""The function whose code changes, and is put back."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One deployment: what it was for, how it ended, what it changed, the requests and seconds it took."""

    purpose: str
    status: int
    changed: tuple[str, ...]
    calls: int
    seconds: float
    output: str


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """Everything that happened. filled: the bytes that operators put into each secret."""

    cloud: Cloud
    runs: Mapping[str, Run]
    filled: Mapping[str, bytes]
    problems: list[str] = field(default_factory=list)

    @property
    def calls(self) -> Counter[str]:
        """Requests by method."""
        return self.cloud.calls


def rehearse() -> Rehearsal:
    """Deploy from nothing, dying on the way; go on; change nothing; change one function; put it back.

    The organisation refuses `allUsers`.
    """
    cloud = Cloud(
        accounts=_accounts(),
        acts={**functions.ACTS, **services.ACTS, **secrets.ACTS, **surroundings.ACTS, **warehouse.ACTS},
        public_refused=True,
        changes_left=DIES_AFTER,
        resources=secrets.empty(tree.PROJECT, deployment().secrets),
    )
    runs: dict[str, Run] = {}
    with (
        serving(cloud) as address,
        tempfile.TemporaryDirectory() as folder,
        warm(Path(folder), environment(address, Path(folder) / "gcloud")) as where,
    ):
        copied = tree.copy(Path(folder))

        def run(name: str, purpose: str) -> None:
            runs[name] = _run(purpose, cloud, copied, where)

        run("death", f"from nothing, dying after {DIES_AFTER} changes")
        cloud.changes_left = None
        run("rest", "what the dead run left")
        run("again", "nothing has changed")
        entry = copied / "functions" / CHANGED / "main.py"
        before = entry.read_text()
        entry.write_text(before + "\n# changed\n")
        run("change", f"{CHANGED} has changed")
        entry.write_text(before)
        run("back", f"{CHANGED} is put back")
        said = [tree.shell(each.fill, where) for each in deployment().secrets.values() if "|" in each.fill]
    filled = {name: versions[-1] for name, versions in cloud.versions.items()}
    failures = [f"{each.args}: {each.stderr}" for each in said if each.returncode]
    return Rehearsal(cloud=cloud, runs=runs, filled=filled, problems=failures)


def _run(purpose: str, cloud: Cloud, copied: Path, where: Mapping[str, str]) -> Run:
    changes, calls, began = len(cloud.changed), cloud.calls.total(), time.monotonic()
    ended = tree.deploy(copied, where)
    return Run(
        purpose=purpose,
        status=ended.returncode,
        changed=tuple(cloud.changed[changes:]),
        calls=cloud.calls.total() - calls,
        seconds=time.monotonic() - began,
        output=ended.stdout + ended.stderr,
    )


def _accounts() -> frozenset[str]:
    declared = deployment()
    names = {*declared.service_accounts, *(each.account for each in declared.functions.values())}
    return frozenset(f"{name}@{tree.PROJECT}.iam.gserviceaccount.com" for name in names)
