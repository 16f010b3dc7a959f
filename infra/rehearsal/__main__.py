"""`make rehearse`: deploy everything to a stand-in for Google Cloud, and print what was asked of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from infra.deployment import deployment
from infra.rehearsal.story import CHANGED, Rehearsal, rehearse

FAILS = {"death", "cut", "refused"}


def problems(rehearsal: Rehearsal) -> Iterator[str]:
    """What did not go as it must, in words."""
    yield from rehearsal.problems
    unforeseen = [each for each in rehearsal.cloud.refusals if each != "The caller does not have permission"]
    yield from (f"refused: {each}" for each in unforeseen)
    runs = rehearsal.runs
    for name, run in runs.items():
        if run.status != (1 if name in FAILS else 0):
            yield f"{run.purpose}: exit status {run.status}\n{run.output}"
    made = [each for run in (runs["death"], runs["rest"]) for each in run.changed if each.endswith(" is created")]
    if sorted(made) != sorted(f"{name} is created" for name in deployment().functions):
        yield f"created: {made}"
    moved = f"the traffic of {deployment().functions[CHANGED].service} is moved"
    for name, wanted in {
        "first": (),
        "again": (),
        "change": (moved, f"{CHANGED} is changed"),
        "cut": (moved,),
        "shift": (moved,),
        "undo": (moved,),
        "break": (f"{CHANGED} is changed",),
        "refused": (moved,),
        "back": (f"{CHANGED} is changed",),
        "restored": (moved,),
    }.items():
        if runs[name].changed != wanted:
            yield f"{runs[name].purpose}: changed {runs[name].changed}"


def main() -> int:
    """Print the deployments, the requests by service and method, and what was wrong."""
    rehearsal = rehearse()
    for run in rehearsal.runs.values():
        print(f"{run.purpose:46} {len(run.changed):3} changes {run.calls:4} requests {run.seconds:6.1f} s")
    print()
    for method, count in sorted(rehearsal.calls.items()):
        service, _, rest = method.partition(".")
        print(f"{service:22} {rest:50} {count:4}")
    found = list(problems(rehearsal))
    print(*(f"\n{each}" for each in found), file=sys.stderr, sep="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
