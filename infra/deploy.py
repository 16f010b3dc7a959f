"""Deploys what `deployment.yaml` declares and what has changed: `python -m infra.deploy --project P [--dry-run]`.

One `gcloud functions deploy` per function, from its staged folder. A function carries a label with the hash of its
staged source, its flags and its settings; when the label is the deployed one, the function is left alone. Who may
call it is set every time, so that a run that ended early is completed by the next one. Service accounts, secrets,
topics, queues, schedules and IAP are not made here.

The settings (`YT_...`) come from a YAML file of environment variables, infra/settings.<project>.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deployment import ROOT, Deployment, Function, deployment
from infra.stage import Staged, stage

LABEL = "source-hash"
INVOKER = "roles/run.invoker"  # a function is called through the Cloud Run service that it is
EVERYBODY = "allUsers"
INGRESS = {  # what may reach the function's own address at all; the rest passes the load balancer
    "http-public": "internal-and-gclb",
    "http-iap": "internal-and-gclb",
    "http-private": "all",  # Scheduler, Tasks and Pub/Sub come from outside the network, with an identity
    "pubsub": "all",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, and why it is run. file: a path that the command reads, and what to write there before."""

    command: tuple[str, ...]
    why: str
    file: tuple[Path, str] | None = None


def flags(function: Function, declared: Deployment, project: str) -> list[str]:
    """The flags of `gcloud functions deploy` that follow from the declaration.

    A Pub/Sub function is deployed with an HTTP trigger: its push subscription is declared, with its dead letters
    and its identity, and an event trigger would make a second one.
    """
    account = f"{function.service}@{project}.iam.gserviceaccount.com"
    open_to_all = function.trigger == "http-public"
    return [
        "--gen2",
        f"--region={declared.region}",
        f"--runtime={declared.runtime}",
        f"--entry-point={function.name}",
        "--trigger-http",
        f"--memory={function.memory}",
        f"--timeout={function.timeout}s",
        f"--service-account={account}",
        f"--ingress-settings={INGRESS[function.trigger]}",
        "--allow-unauthenticated" if open_to_all else "--no-allow-unauthenticated",
    ]


def label(staged: Staged, given: Sequence[str], settings: bytes) -> str:
    """What identifies a deployment: source, flags and settings. 60 hex digits, as labels hold 63 characters."""
    total = hashlib.sha256(staged.digest.encode())
    total.update(json.dumps(list(given)).encode() + b"\0" + settings)
    return total.hexdigest()[:60]


def deploy_step(staged: Staged, declared: Deployment, project: str, settings: Path, content: bytes) -> Step:
    """The command that deploys one function."""
    given = flags(declared.functions[staged.name], declared, project)
    wanted = label(staged, given, content)
    command = (
        *("gcloud", "functions", "deploy", staged.name, f"--project={project}", f"--source={staged.folder}"),
        *given,
        f"--env-vars-file={settings}",
        f"--update-labels={LABEL}={wanted}",
        "--quiet",
    )
    return Step(command=command, why=f"{staged.name} at {wanted[:12]}")


def invoker_step(staged: Staged, declared: Deployment, project: str) -> Step:
    """Who may call a function: exactly the declared callers.

    The policy replaces the one before. Behind Identity-Aware Proxy the caller is the proxy's own agent, which is
    bound where the proxy is set up; here only the public is kept out.
    """
    function = declared.functions[staged.name]
    place = (f"--project={project}", f"--region={declared.region}", "--quiet")
    if function.trigger == "http-iap":
        close = ("gcloud", "functions", "remove-invoker-policy-binding", function.name, f"--member={EVERYBODY}")
        return Step(command=(*close, *place), why=f"{function.name} is called through Identity-Aware Proxy")
    callers = [f"serviceAccount:{declared.address(caller, project)}" for caller in function.callers]
    members = [EVERYBODY] if function.trigger == "http-public" else callers
    file = staged.folder.with_name(f"{function.name}.policy.json")
    return Step(
        command=("gcloud", "run", "services", "set-iam-policy", function.service, str(file), *place),
        why=f"{function.name} is called by {', '.join(function.callers) or 'anyone'}",
        file=(file, json.dumps({"bindings": [{"role": INVOKER, "members": members}]}, indent=1) + "\n"),
    )


def steps(
    staged: Sequence[Staged],
    declared: Deployment,
    project: str,
    *,
    settings: Path,
    content: bytes,
    deployed: Mapping[str, str],
) -> list[Step]:
    """Everything to do. deployed: each function's label as it is in the project now; absent when not deployed."""
    todo: list[Step] = []
    for each in staged:
        step = deploy_step(each, declared, project, settings, content)
        if f"--update-labels={LABEL}={deployed.get(each.name)}" not in step.command:
            todo.append(step)
        todo.append(invoker_step(each, declared, project))
    return todo


def listed(project: str, region: str) -> list[dict[str, Any]]:
    """Every function in the project, asked of Google Cloud."""
    command = [
        *("gcloud", "functions", "list", f"--project={project}", f"--regions={region}", "--v2"),
        "--format=json(name,labels,state)",
    ]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(answer.stdout)
    return found


def labels(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each function's label by name. One that is not serving has none: its label tells what was tried."""
    return {
        item["name"].rpartition("/")[2]: item.get("labels", {}).get(LABEL, "")
        for item in found
        if item.get("state") == "ACTIVE"
    }


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--settings", type=Path, help="default: infra/settings.<project>.yaml")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, ask and change nothing")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Stage, compare, deploy. Exit status 1 when the settings are missing or a command fails."""
    asked = _arguments(given)
    settings: Path = asked.settings or ROOT / "infra" / f"settings.{asked.project}.yaml"
    if not settings.is_file() and not asked.dry_run:
        print(
            f"{settings} is missing: the settings of this project (YT_..., see infra/docs/settings.md)",
            file=sys.stderr,
        )
        return 1
    content = settings.read_bytes() if settings.is_file() else b""
    declared = deployment()
    deployed = {} if asked.dry_run else labels(listed(asked.project, declared.region))
    for step in steps(stage(), declared, asked.project, settings=settings, content=content, deployed=deployed):
        if step.file is not None:
            path, text = step.file
            path.write_text(text)
        print(f"# {step.why}\n{shlex.join(step.command)}", flush=True)
        if not asked.dry_run and subprocess.run(step.command, check=False).returncode != 0:
            print(f"Failed: {step.why}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
