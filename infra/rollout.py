"""Tries what `infra.deploy` has deployed, shifts traffic to it, and goes back if it does not work.

    python -m infra.rollout --project P                    try, shift, try again, go back on failure
    python -m infra.rollout --project P --back F [F ...]   give those functions' traffic to the revision before

Every new revision is asked its question (`infra.smoke`) at an address of its own, before anybody else reaches it;
if one fails, none is shifted. Then all traffic goes to the new revisions and every function is asked again, at
the address that all use: if one fails, all that were shifted go back. Behind a load balancer a public function is
reached through it alone, so it is tried after the shift only. A run that died is made good by the next: traffic
that is still held is tried and shifted then. Exit status 1 unless everything serves and answers as it must.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from infra import gcloud, smoke, traffic
from infra.deploy import Target, target
from infra.traffic import Service


def waiting(where: Target, found: Mapping[str, Service]) -> dict[str, Service]:
    """The services, by function, whose traffic is held."""
    named = {name: found.get(each.service) for name, each in where.declared.functions.items()}
    return {name: service for name, service in named.items() if service is not None and service.waiting}


def roll_out(where: Target) -> list[str]:
    """Try, shift, try again, go back on failure; what failed, in words. Raises `gcloud.Refused`."""
    token = smoke.impersonating(where.project)
    held = waiting(where, _services(where))
    new = {name: each for name, each in held.items() if each.newest not in each.serving}
    alone = {name: each for name, each in new.items() if where.direct(where.declared.functions[name])}
    if alone:
        if failed := gcloud.run([[traffic.tag(each, where.place)] for each in alone.values()]):
            return failed
        print("\nThe new revisions, which nobody else reaches:")
        tagged = smoke.places(where, _services(where), names=alone, new=True)
        if failed := smoke.run(tagged, token):
            return [*failed, "no traffic was shifted"]
    if failed := gcloud.run([[traffic.shift(each, where.place)] for each in held.values()]):
        return [*failed, *_back(where, new)]
    print("\nAs everybody reaches them:")
    failed = smoke.run(smoke.places(where, _services(where), names=held or None), token)
    return [*failed, *_back(where, new)] if failed else []


def _back(where: Target, new: Mapping[str, Service]) -> list[str]:
    """Go back to what served before; what happened, in words."""
    failed = gcloud.run([[traffic.back(each, each.serving, where.place)] for each in new.values()])
    return failed or [f"{name} has gone back to {', '.join(each.serving)}" for name, each in new.items()]


def go_back(where: Target, names: Sequence[str]) -> list[str]:
    """Give traffic to the revision before the one that serves; what failed, in words. Raises `gcloud.Refused`."""
    found, rows, impossible = _services(where), [], []
    for name in names:
        service = found[where.declared.functions[name].service]
        listed = ("run", "revisions", "list", f"--service={service.name}", *where.place, "--format=json")
        if revision := traffic.before(service, gcloud.ask(*listed)):
            rows.append([traffic.back(service, {revision: 100}, where.place)])
        else:
            impossible.append(f"{name} has no revision before")
    return impossible or gcloud.run(rows)


def _services(where: Target) -> dict[str, Service]:
    return traffic.services(where.project, where.declared.region)


def main(given: Sequence[str] | None = None) -> int:
    """Roll out, or go back."""
    parser = argparse.ArgumentParser(prog="python -m infra.rollout", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--back", nargs="+", metavar="FUNCTION", default=())
    asked = parser.parse_args(given)
    where = target(asked.project)
    if unknown := set(asked.back) - where.declared.functions.keys():
        parser.error(f"no such function: {', '.join(sorted(unknown))}")
    try:
        failed = go_back(where, asked.back) if asked.back else roll_out(where)
    except gcloud.Refused as refusal:
        failed = [str(refusal)]
    print(*(f"Failed: {each}" for each in failed), file=sys.stderr, sep="\n", end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
