"""Who may touch what, read from what Terraform would make.

    python -m infra.privileges      renews infra/docs/privileges.md

Terraform grants everything but one thing: who may call a function is set on its service when it is deployed
(`infra.deploy`), from the same declaration.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import observed
from infra.deploy import INVOKER
from infra.deployment import ROOT, Deployment, deployment
from infra.judges.terraform import PROJECT, Place, Planned, missing

PAGE = ROOT / "infra" / "docs" / "privileges.md"
ON = (
    *("secret_id", "topic", "subscription", "name", "dataset_id", "bucket", "service_account_id"),
    *("web_backend_service", "cloud_run_service_name", "project"),
)
"""The argument of a grant that names what it is on; the first that is there."""
WHY: Mapping[str, str] = {
    "roles/bigquery.dataEditor": "adds rows, names loads, erases a channel's",
    "roles/bigquery.dataViewer": "reads the warehouse",
    "roles/bigquery.jobUser": "runs queries; reads no data by itself, and is granted on projects only",
    "roles/cloudtasks.enqueuer": "queues tasks",
    "roles/datastore.user": "keeps state; granted on the project, held to the one database by its condition",
    "roles/iam.serviceAccountTokenCreator": "signs pushes as this account",
    "roles/iam.serviceAccountUser": "gives the tasks that it queues this account's identity",
    "roles/iap.httpsResourceAccessor": "opens the console",
    "roles/pubsub.publisher": "publishes",
    "roles/pubsub.subscriber": "acknowledges what it has set aside or fetched",
    "roles/run.invoker": "calls it",
    "roles/secretmanager.secretAccessor": "reads the secret",
    "roles/secretmanager.secretVersionManager": "adds, lists and disables the key's versions",
    "roles/storage.objectViewer": "reads files that are to be published",
}
"""Every role that may be granted, and what for. Any other is too much."""
ON_PROJECTS = {"roles/bigquery.jobUser": "", "roles/datastore.user": "resource.name == "}
"""Roles that Google grants on projects only, and how the condition begins that narrows them."""
HEAD = """# Who may touch what

Every grant, read from what `infra/terraform` would make for the declaration (without a front, which lets people
open the console and Identity-Aware Proxy call it). A test compares the table with Terraform's plan, and refuses a
role that is not known here, a grant on a project that could stand on one resource, an account without a use.
Renewed by `python -m infra.privileges`.

Every grant is used, and everything that is used is granted: `make demo`, and `tests/end_to_end/demo/test_rest.py`
on a small network, hold the table against what each account was seen to do on the local stack, and fail on either.
What cannot be seen there says why in the last column. A secret that comes as an environment variable (`mounted` in
`infra/deployment.yaml`) is read by Cloud Run in the account's name, so it counts as used.

"""


@dataclass(frozen=True, order=True)
class Grant:
    """Who may do what on what. condition: what narrows it further."""

    who: str
    role: str
    on: str
    condition: str = ""


def grants(planned: Sequence[Planned]) -> list[Grant]:
    """Every grant of a plan, sorted."""
    return sorted(_grant(each) for each in planned if each.kind.endswith("_iam_member"))


def _grant(planned: Planned) -> Grant:
    values = planned.values
    on = next(str(values[name]) for name in ON if values.get(name))
    kind = planned.kind.removeprefix("google_").removesuffix("_iam_member")
    found = "".join(each["expression"] for each in values.get("condition") or ())
    return Grant(_plain(values["member"]), values["role"], f"{kind} {_plain(on.rpartition('/')[2])}", found)


def _plain(member: str) -> str:
    """An account of the project by its name alone."""
    return member.removesuffix(f"@{PROJECT}.iam.gserviceaccount.com").removeprefix("serviceAccount:")


def called(declared: Deployment) -> Iterator[Grant]:
    """What a deployment of the functions grants: who may call which."""
    for function in declared.functions.values():
        for caller in function.callers:
            yield Grant(caller, INVOKER, f"function {function.name}")


def problems(planned: Sequence[Planned]) -> Iterator[str]:
    """Grants that are too much, and accounts that are granted nothing, in words."""
    found = grants(planned)
    for each in found:
        if each.role not in WHY:
            yield f"{each.who} has {each.role} on {each.on}: not a role that anything here needs"
        if each.who in {"allUsers", "allAuthenticatedUsers"}:
            yield f"{each.on} is open to everybody"
        narrowed = ON_PROJECTS.get(each.role)
        if each.on.startswith("project ") and (narrowed is None or not each.condition.startswith(narrowed)):
            yield f"{each.who} has {each.role} on the whole project"
    yield from (f"{each.address} replaces what others were granted" for each in planned if _replaces(each))
    busy = {each.who for each in (*found, *called(deployment()))}
    accounts = (each for each in planned if each.kind == "google_service_account")
    yield from (
        f"nobody uses the account {name}" for each in accounts if (name := each.values["account_id"]) not in busy
    )


def _replaces(planned: Planned) -> bool:
    return planned.kind.endswith(("_iam_policy", "_iam_binding"))


def page(planned: Sequence[Planned]) -> str:
    """The document."""
    from infra.documents import table

    things: dict[tuple[str, str], list[str]] = {}
    for each in sorted([*grants(planned), *called(deployment())]):
        things.setdefault((each.who, each.role), []).append(each.on)
    rows = [
        (
            f"`{who}`",
            f"`{role.removeprefix('roles/')}`",
            ", ".join(things[who, role]),
            WHY.get(role, "?"),
            _seen(who, role),
        )
        for who, role in things
    ]
    return HEAD + table(("who", "role", "on", "why", "seen on the stack"), rows) + "\n"


def _seen(who: str, role: str) -> str:
    unseen = observed.Grant(who, role.removeprefix("roles/"), "").unseen
    return f"no: {unseen}" if unseen else "yes"


def main() -> int:
    """Write the page anew."""
    if missing():
        print(missing(), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(Place.copied(Path(folder)).plan()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
