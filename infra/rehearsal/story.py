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
"""The function whose code changes, breaks, and is put back."""
ROLL_OUT = "infra.rollout"
PROXY = f"service-{tree.PROJECT}@gcp-sa-iap.iam.gserviceaccount.com"
"""Identity-Aware Proxy's own account. gcloud names it by the service's namespace, which is a number at Google."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One command: what it was for, how it ended, what it changed, the requests and seconds it took."""

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
    """Deploy from nothing, dying on the way; go on; change nothing; change one function; break it; put it back.

    What is deployed is rolled out each time; one roll-out dies on the way. The organisation refuses `allUsers`.
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

        def run(name: str, purpose: str, *command: str) -> None:
            runs[name] = _run(purpose, cloud, copied, where, *(command or ("infra.deploy",)))

        def edit(more: str) -> None:
            entry.write_text(before + more)

        entry = copied / "functions" / CHANGED / "main.py"
        before = entry.read_text()
        run("death", f"from nothing, dying after {DIES_AFTER} changes")
        cloud.changes_left = None
        run("rest", "what the dead run left")
        run("first", "the first roll-out: all are tried", ROLL_OUT)
        run("again", "nothing has changed")
        edit("\n# changed\n")
        run("change", f"{CHANGED} has changed")
        cloud.changes_left = 1
        run("cut", "its roll-out, dying before the shift", ROLL_OUT)
        cloud.changes_left = None
        run("shift", "what the dead roll-out left", ROLL_OUT)
        run("undo", f"{CHANGED} goes back by hand", ROLL_OUT, "--back", CHANGED)
        edit(f"\n{functions.BROKEN}\n")
        run("break", f"{CHANGED} is deployed broken")
        run("refused", "its roll-out: it is tried, and not shifted", ROLL_OUT)
        edit("")
        run("back", f"{CHANGED} is put back")
        run("restored", "its roll-out", ROLL_OUT)
        said = [tree.shell(each.fill, where) for each in deployment().secrets.values() if "|" in each.fill]
    filled = {name: versions[-1] for name, versions in cloud.versions.items()}
    failures = [f"{each.args}: {each.stderr}" for each in said if each.returncode]
    return Rehearsal(cloud=cloud, runs=runs, filled=filled, problems=failures)


def _run(purpose: str, cloud: Cloud, copied: Path, where: Mapping[str, str], module: str, *more: str) -> Run:
    changes, calls, began = len(cloud.changed), cloud.calls.total(), time.monotonic()
    ended = tree.run(copied, module, where, *more)
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
    return frozenset({PROXY, *(f"{name}@{tree.PROJECT}.iam.gserviceaccount.com" for name in names)})
