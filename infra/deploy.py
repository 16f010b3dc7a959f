"""Deploys what `deployment.yaml` declares and what has changed: `python -m infra.deploy --project P [--dry-run]`.

First the warehouse's tables and views are made. Then one `gcloud functions deploy` per function, from its staged
folder, several at once. A function carries a label with the hash of its staged source, its flags and the settings
that it reads; when all are as deployed, it is left alone. One that serves already goes on serving as it is: its
traffic is held, and `infra.rollout` shifts it once the new revision has been tried. Who may call it is set every
time, changed or not, so a run that was cut short anywhere is made good by the next one. Public functions have
Cloud Run's invoker check switched off, because many organisations refuse a policy for `allUsers`. What stands
around the functions (accounts, secrets, topics, queues, schedules) is Terraform's (infra/terraform). Whether a
load balancer stands in front is read from the setting YT_IAP_AUDIENCE: a service of Cloud Run's own there means
that none does.

The settings (`YT_...`) come from a YAML file of environment variables, infra/settings.<project>.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra import gcloud, traffic
from infra.deployment import ROOT, Deployment, Function, deployment
from infra.gcloud import Step
from infra.stage import Staged, stage
from infra.traffic import Service
from infra.used_settings import VARIABLES
from shared.errors import Misconfigured
from shared.settings import load

LABEL = "source-hash"
INVOKER = "roles/run.invoker"  # a function is called through the Cloud Run service that it is
EVERYBODY = "allUsers"
INGRESS = {  # what may reach the function's own address at all, where a load balancer stands in front
    "http-public": "internal-and-gclb",
    "http-iap": "internal-and-gclb",
    "http-private": "all",  # Scheduler, Tasks and Pub/Sub come from outside the network, with an identity
    "pubsub": "all",
}


@dataclass(frozen=True, kw_only=True)
class Present:
    """What is in the project now: each function's label, and the services."""

    labels: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to deploy to, and with which settings. values: what stands in the file."""

    project: str
    declared: Deployment
    settings: Path
    values: Mapping[str, str]

    @property
    def place(self) -> tuple[str, ...]:
        """The arguments that every command ends with."""
        return (f"--project={self.project}", f"--region={self.declared.region}", "--quiet")

    @property
    def balanced(self) -> bool:
        """Whether people and the push hub come through a load balancer, and so no other way."""
        return "/locations/" not in self.values.get(VARIABLES["iap_audience"], "")

    def direct(self, function: Function) -> bool:
        """Whether a function answers at its own address, rather than through the load balancer alone."""
        return not self.balanced or INGRESS[function.trigger] == "all"


def target(project: str, settings: Path | None = None, *, needed: bool = True) -> Target:
    """A project with its settings. Exits where they are needed and missing."""
    path = settings or ROOT / "infra" / f"settings.{project}.yaml"
    if not path.is_file() and needed:
        sys.exit(f"{path} is missing: the settings of this project (YT_..., see infra/docs/settings.md)")
    try:
        values = yaml.safe_load(path.read_text()) if path.is_file() else {}
    except yaml.YAMLError as error:
        sys.exit(f"{path} is no YAML: {' '.join(str(error).split())}")
    if not isinstance(values, dict):
        sys.exit(f"{path} has no variables: one a line, YT_NAME: value")
    return Target(project=project, declared=deployment(), settings=path, values=values)


def problems(where: Target) -> list[str]:
    """Why functions would not start with these settings, in words: asked before anything is deployed."""
    unknown = {name for name in where.values if name.startswith("YT_")} - set(VARIABLES.values())
    found = [f"{name} is no setting" for name in sorted(unknown)]
    try:
        read = load({name: str(value) for name, value in where.values.items()})
    except Misconfigured as error:
        return [*found, error.message]
    for name, there, wanted in (
        ("project", read.project, where.project),
        ("region", read.region, where.declared.region),
    ):
        if there != wanted:
            found.append(f"{VARIABLES[name]} is {there}, and what is deployed to is {wanted}")
    return found


def flags(function: Function, target: Target) -> list[str]:
    """The flags of `gcloud functions deploy` that follow from the declaration.

    A Pub/Sub function is deployed with an HTTP trigger: its push subscription is declared, with its dead letters
    and its identity, and an event trigger would make a second one.
    """
    return [
        "--gen2",
        f"--runtime={target.declared.runtime}",
        f"--entry-point={function.name}",
        "--trigger-http",
        f"--memory={function.memory}",
        f"--cpu={function.cpu:g}",
        f"--concurrency={function.concurrency}",
        f"--max-instances={function.max_instances}",
        f"--timeout={function.timeout}s",
        f"--service-account={function.account}@{target.project}.iam.gserviceaccount.com",
        f"--ingress-settings={INGRESS[function.trigger] if target.balanced else 'all'}",
        "--no-allow-unauthenticated",
        *(f"--set-secrets={variable}={secret}:latest" for variable, secret in function.variables.items()),
    ]


def label(staged: Staged, given: Sequence[str], values: Mapping[str, str]) -> str:
    """What identifies a deployment: source, flags and settings. 60 hex digits, as labels hold 63 characters.

    A variable that is no setting of ours may be read by a library, so it counts for every function.
    """
    others = values.keys() - set(VARIABLES.values())
    read = {name: values[name] for name in sorted((staged.settings & values.keys()) | others)}
    total = hashlib.sha256(staged.digest.encode())
    total.update(json.dumps([list(given), read]).encode())
    return total.hexdigest()[:60]


def deploy_step(staged: Staged, target: Target) -> Step:
    """The command that deploys one function, with the settings that all have and what is its own."""
    function = target.declared.functions[staged.name]
    given, file = flags(function, target), staged.folder.with_name(f"{staged.name}.settings.yaml")
    settings = {name: str(value) for name, value in target.values.items()} | function.threads
    wanted = label(staged, given, target.values)
    command = (
        *("gcloud", "functions", "deploy", staged.name, f"--source={staged.folder}"),
        *given,
        f"--env-vars-file={file}",
        f"--update-labels={LABEL}={wanted}",
        *target.place,
    )
    return Step(command=command, why=f"{staged.name} at {wanted[:12]}", file=(file, yaml.safe_dump(settings)))


def check_step(function: Function, target: Target, *, on: bool) -> Step:
    """Switch the invoker check of a function's service: off, anyone may call it whatever its policy says."""
    flag = "--invoker-iam-check" if on else "--no-invoker-iam-check"
    who = "callers with an identity only" if on else "anyone"
    return Step(
        command=("gcloud", "run", "services", "update", function.service, flag, *target.place),
        why=f"{function.name} is called by {who}",
    )


def proxy_step(function: Function, target: Target) -> Step:
    """Have Cloud Run's own Identity-Aware Proxy guard a function, where no load balancer does."""
    return Step(
        command=("gcloud", "beta", "run", "services", "update", function.service, "--iap", *target.place),
        why=f"{function.name} is guarded by Identity-Aware Proxy",
    )


def invoker_step(staged: Staged, target: Target) -> Step:
    """Who may call a function that is not public: exactly the declared callers, whoever could before.

    The policy replaces the one before. Behind Identity-Aware Proxy the caller is the proxy's own agent, which is
    bound where the proxy is set up; here only the public is kept out.
    """
    function = target.declared.functions[staged.name]
    if function.trigger == "http-iap":
        shut = ("gcloud", "functions", "remove-invoker-policy-binding", function.name, f"--member={EVERYBODY}")
        return Step(command=(*shut, *target.place), why=f"{function.name} is called through Identity-Aware Proxy")
    members = [f"serviceAccount:{target.declared.address(caller, target.project)}" for caller in function.callers]
    file = staged.folder.with_name(f"{function.name}.policy.json")
    return Step(
        command=("gcloud", "run", "services", "set-iam-policy", function.service, str(file), *target.place),
        why=f"{function.name} is called by {', '.join(function.callers)}",
        file=(file, json.dumps({"bindings": [{"role": INVOKER, "members": members}]}, indent=1) + "\n"),
    )


def warehouse_step(target: Target) -> Step:
    """The command that makes the warehouse's tables and views; what is there as it should be is left alone."""
    given = {flag: target.values.get(VARIABLES[flag]) for flag in ("dataset", "aggregation")}
    return Step(
        command=(
            *(sys.executable, "-m", "infra.warehouse", f"--project={target.project}"),
            f"--location={target.declared.warehouse_location}",
            *(f"--{flag}={value}" for flag, value in given.items() if value),
        ),
        why=f"the warehouse in {target.declared.warehouse_location}",
    )


def row(staged: Staged, target: Target, present: Present) -> list[Step]:
    """One function's steps, in order. A service that is to be closed is closed before its new code comes."""
    function = target.declared.functions[staged.name]
    step, service = deploy_step(staged, target), present.services.get(function.service)
    changed = f"--update-labels={LABEL}={present.labels.get(staged.name)}" not in step.command
    holding = [traffic.hold(service, target.place)] if service and service.floats and service.serving else []
    deploying = [*holding, step] if changed else []
    unchecked = service is not None and service.unchecked
    if function.trigger == "http-public":
        opening = [] if unchecked and not changed else [check_step(function, target, on=False)]
        return [*deploying, *opening]
    closing = [check_step(function, target, on=True)] if unchecked else []
    own_proxy = deploying and function.trigger == "http-iap" and not target.balanced
    guarding = [proxy_step(function, target)] if own_proxy else []
    return [*closing, *deploying, *guarding, invoker_step(staged, target)]


def labels(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each function's label by name. One that is not serving has none: its label tells what was tried."""
    return {
        item["name"].rpartition("/")[2]: item.get("labels", {}).get(LABEL, "")
        for item in found
        if item.get("state") == "ACTIVE"
    }


def present(project: str, region: str) -> Present:
    """What is in the project now, asked of Google Cloud. Raises `gcloud.Refused`."""
    functions = gcloud.ask(
        *("functions", "list", f"--project={project}", f"--regions={region}", "--v2"),
        "--format=json(name,labels,state)",
    )
    return Present(labels=labels(functions), services=traffic.services(project, region))


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--settings", type=Path, help="default: infra/settings.<project>.yaml")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, ask and change nothing")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Stage, compare, deploy. Exit status 1 when the settings are missing or a command fails."""
    asked = _arguments(given)
    where = target(asked.project, asked.settings, needed=not asked.dry_run)
    if not asked.dry_run and (wrong := problems(where)):
        sys.exit("\n".join((f"{where.settings}: nothing is deployed.", *wrong)))
    try:
        now = Present() if asked.dry_run else present(asked.project, where.declared.region)
    except gcloud.Refused as refusal:
        sys.exit(str(refusal))
    first, rows = [[warehouse_step(where)]], [row(each, where, now) for each in stage()]
    if asked.dry_run:
        print(*(step for steps in (*first, *rows) for step in steps), sep="\n")
        return 0
    failed = gcloud.run(first) or gcloud.run(rows)
    if failed:
        print(f"Failed: {'; '.join(failed)}. The next run goes on from here.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
