"""Which revision of a function serves: read from Cloud Run, and the commands that change it.

`gcloud functions deploy` has no flag that withholds traffic, but it keeps a service's split. So a service is held
to the revision that serves before new code comes; the newest revision is then reached by the tag `next` alone,
until traffic is shifted to it. Source: Google's "Traffic splitting" for functions, and the API's
`allTrafficOnLatestRevision`, which gcloud leaves unset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import gcloud
from infra.gcloud import Step

NEXT = "next"
"""The tag at whose address the newest revision answers before it serves."""
UNCHECKED = "run.googleapis.com/invoker-iam-disabled"
ROLLING = ("gcloud", "run", "services", "update-traffic")


@dataclass(frozen=True, kw_only=True)
class Service:
    """A function's Cloud Run service.

    serving: percent by revision. newest: the newest revision that is ready. floats: whether a newer revision
    serves as soon as it is ready. unchecked: anyone may call it. url; next_url: where the tag `next` answers, ""
    without.
    """

    name: str
    serving: Mapping[str, int]
    newest: str
    floats: bool
    url: str
    next_url: str = ""
    unchecked: bool = False

    @property
    def waiting(self) -> bool:
        """Whether traffic is held, so that it is still to be shifted to the newest revision."""
        return not self.floats


def services(project: str, region: str) -> dict[str, Service]:
    """Every service by name, asked of Google Cloud. Raises `gcloud.Refused`."""
    return parsed(
        gcloud.ask(
            *("run", "services", "list", f"--project={project}", f"--region={region}"),
            "--format=json(metadata.name,metadata.annotations,spec.traffic,status)",
        )
    )


def parsed(found: Iterable[Mapping[str, Any]]) -> dict[str, Service]:
    """Services as Cloud Run tells them."""
    return {each["metadata"]["name"]: _service(each) for each in found}


def _service(told: Mapping[str, Any]) -> Service:
    metadata, status = told["metadata"], told.get("status", {})
    wanted, actual = told.get("spec", {}).get("traffic", ()), status.get("traffic", ())
    return Service(
        name=metadata["name"],
        serving={each["revisionName"]: each["percent"] for each in actual if each.get("percent")},
        newest=status.get("latestReadyRevisionName", ""),
        floats=all(each.get("latestRevision") for each in wanted if each.get("percent")),
        url=status.get("url", ""),
        next_url=next((each.get("url", "") for each in actual if each.get("tag") == NEXT), ""),
        unchecked=str(metadata.get("annotations", {}).get(UNCHECKED)).lower() == "true",
    )


def hold(service: Service, place: Sequence[str]) -> Step:
    """Keep traffic on what serves now, whatever is deployed."""
    return _to(service, service.serving, place, f"{service.name} stays with what serves, until the new is tried")


def tag(service: Service, place: Sequence[str]) -> Step:
    """Give the newest revision an address of its own."""
    command = (*ROLLING, service.name, f"--set-tags={NEXT}=LATEST", *place)
    return Step(command=command, why=f"{service.newest} is to be tried")


def shift(service: Service, place: Sequence[str]) -> Step:
    """Give the newest revision all traffic, and each that follows it."""
    command = (*ROLLING, service.name, "--to-latest", "--clear-tags", *place)
    return Step(command=command, why=f"{service.name} is served by {service.newest}")


def back(service: Service, serving: Mapping[str, int], place: Sequence[str]) -> Step:
    """Give traffic back to what served before."""
    return _to(service, serving, place, f"{service.name} goes back to {', '.join(serving)}", "--clear-tags")


def _to(service: Service, serving: Mapping[str, int], place: Sequence[str], why: str, *more: str) -> Step:
    split = ",".join(f"{revision}={percent}" for revision, percent in serving.items())
    return Step(command=(*ROLLING, service.name, f"--to-revisions={split}", *more, *place), why=why)


def before(service: Service, revisions: Iterable[Mapping[str, Any]]) -> str:
    """The newest ready revision older than those that serve; "" without one. revisions: as gcloud lists them."""
    made = {each["metadata"]["name"]: each["metadata"]["creationTimestamp"] for each in revisions if _ready(each)}
    oldest = min((made[name] for name in service.serving if name in made), default="")
    return max((name for name in made if made[name] < oldest), key=made.__getitem__, default="")


def _ready(revision: Mapping[str, Any]) -> bool:
    conditions = revision.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each.get("status") == "True" for each in conditions)
