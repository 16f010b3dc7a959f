"""Deployment: the commands that follow from the declaration, for the functions that changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra import deploy
from infra.deployment import ROOT, deployment
from infra.stage import Staged

SETTINGS = Path("settings.yaml")


def staged(name: str, digest: str = "d1") -> Staged:
    return Staged(name=name, folder=Path("dist") / name, digest=digest, changed=True, files=1, size=1)


def commands(
    *functions: Staged, deployed: dict[str, str] | None = None, content: bytes = b"A: b"
) -> list[list[str]]:
    todo = deploy.steps(
        functions, deployment(), "proj", settings=SETTINGS, content=content, deployed=deployed or {}
    )
    return [list(step.command) for step in todo]


def label_of(command: list[str]) -> str:
    return next(part for part in command if part.startswith("--update-labels=")).rpartition("=")[2]


@pytest.mark.parametrize("name", sorted(deployment().functions))
def test_a_function_is_deployed_with_what_is_declared(name):
    function = deployment().functions[name]
    command = commands(staged(name))[0]
    assert command[:4] == ["gcloud", "functions", "deploy", name]
    assert f"--memory={function.memory}" in command
    assert f"--timeout={function.timeout}s" in command
    assert f"--runtime={deployment().runtime}" in command
    assert f"--entry-point={name}" in command
    assert f"--source=dist/{name}" in command


@pytest.mark.parametrize("name", sorted(deployment().functions))
def test_only_public_functions_may_be_called_without_an_identity(name):
    function = deployment().functions[name]
    command = commands(staged(name))[0]
    assert ("--allow-unauthenticated" in command) == (function.trigger == "http-public")
    assert ("--no-allow-unauthenticated" in command) == (function.trigger != "http-public")


def test_functions_with_public_paths_are_reached_through_the_load_balancer_only():
    for function in deployment().functions.values():
        if function.paths:
            assert "--ingress-settings=internal-and-gclb" in commands(staged(function.name))[0]


def test_exactly_the_declared_callers_may_call():
    todo = commands(staged("ingest"))[1:]
    members = [part for command in todo for part in command if part.startswith("--member=")]
    assert members == ["--member=serviceAccount:pubsub-push@proj.iam.gserviceaccount.com"]


def test_a_function_that_did_not_change_is_left_alone():
    deployed = {"webhook": label_of(commands(staged("webhook"))[0])}
    assert commands(staged("webhook"), deployed=deployed) == []


def test_changed_source_and_changed_settings_are_deployed():
    deployed = {"webhook": label_of(commands(staged("webhook"))[0])}
    assert commands(staged("webhook", digest="d2"), deployed=deployed) != []
    assert commands(staged("webhook"), deployed=deployed, content=b"A: c") != []


def test_a_label_fits_google_clouds_limit():
    assert len(label_of(commands(staged("webhook"))[0])) <= 63


def test_a_deployment_without_settings_says_which_file_is_missing(capsys):
    assert deploy.main(["--project", "no-such-project"]) == 1
    assert "settings.no-such-project.yaml is missing" in capsys.readouterr().err


def test_the_build_checks_and_tests_before_it_deploys_what_was_staged():
    steps = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())["steps"]
    assert [step["id"] for step in steps] == ["check-and-test", "stage", "deploy"]
    assert "make test" in steps[0]["args"][-1]
    assert "infra.stage" in steps[1]["args"][-1]
    assert "infra.deploy" in steps[2]["args"][-1]


def test_the_build_repeats_nothing_of_the_declaration():
    text = (ROOT / "cloudbuild.yaml").read_text()
    assert [name for name in deployment().functions if name in text] == []
