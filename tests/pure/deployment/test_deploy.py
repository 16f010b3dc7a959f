"""Deployment: the commands that follow from the declaration, for the functions that changed."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import grimp
import pytest
import yaml

from infra import deploy, gcloud, stage, used_settings
from infra.deployment import ROOT, Deployment, deployment
from infra.gcloud import Step
from infra.rehearsal.tree import PROJECT, SETTINGS
from infra.stage import Staged
from infra.traffic import Service

PUBLIC, PRIVATE, PROXIED = "webhook", "refresh_tokens", "console"
IAP = "serviceAccount:the-proxy-s-own-agent"
EVERYBODY = "allUsers"


def account(name: str) -> str:
    return f"serviceAccount:{name}@proj.iam.gserviceaccount.com"


@cache
def settings_of(name: str) -> frozenset[str]:
    return used_settings.used(stage.sources(name))


def staged(name: str, digest: str = "d1") -> Staged:
    folder, read = Path("dist") / name, settings_of(name)
    return Staged(name=name, folder=folder, digest=digest, changed=True, files=1, size=1, settings=read)


def target(declared: Deployment | None = None, values: dict[str, str] | None = None) -> deploy.Target:
    return deploy.Target(
        project="proj", declared=declared or deployment(), settings=Path("settings.yaml"), values=values or {}
    )


def commands(*functions: Staged, present: deploy.Present | None = None, **values: str) -> list[list[str]]:
    rows = [deploy.row(each, target(values=values), present or deploy.Present()) for each in functions]
    return [list(step.command) for row in rows for step in row]


def deployed_by(todo: list[list[str]]) -> list[str]:
    return [command[3] for command in todo if command[:3] == ["gcloud", "functions", "deploy"]]


@dataclass
class Project:
    """What gcloud's commands leave behind: labels, policies, whose invoker check is off, whose traffic is held."""

    labels: dict[str, str] = field(default_factory=dict)
    invokers: dict[str, set[str]] = field(default_factory=dict)
    unchecked: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)

    def runs(self, step: Step, *, halfway: bool = False) -> None:
        """halfway: cut short where `gcloud functions deploy` has the function changed and not yet its invokers."""
        match step.command:
            case "gcloud", "functions", "deploy", name, *given:
                assert service(name) in self.held or service(name) not in self.invokers
                self.labels[name] = label_of(given)
                self.unchecked.discard(service(name))  # Google does not promise that it stays off
                members = self.invokers.setdefault(service(name), set())
                assert "--no-allow-unauthenticated" in given
                if not halfway:
                    members.discard(EVERYBODY)
            case "gcloud", "functions", "remove-invoker-policy-binding", name, member, *_:
                self.invokers[service(name)].discard(member.removeprefix("--member="))
            case "gcloud", "run", "services", "update", name, "--no-invoker-iam-check", *_ if (
                name in self.invokers
            ):
                self.unchecked.add(name)
            case "gcloud", "run", "services", "update", name, "--invoker-iam-check", *_ if name in self.invokers:
                self.unchecked.discard(name)
            case "gcloud", "run", "services", "set-iam-policy", name, path, *_ if name in self.invokers:
                assert step.file is not None
                assert path == str(step.file[0])
                [binding] = json.loads(step.file[1])["bindings"]
                assert binding["role"] == "roles/run.invoker"
                self.invokers[name] = set(binding["members"])
            case "gcloud", "run", "services", "update-traffic", name, "--to-revisions=r=100", *_ if (
                name in self.invokers
            ):
                self.held.add(name)
            case other:
                pytest.fail(f"gcloud would refuse {other}")

    @property
    def services(self) -> dict[str, Service]:
        return {
            name: Service(
                name=name,
                serving={"r": 100},
                newest="r",
                floats=name not in self.held,
                url=f"https://{name}",
                unchecked=name in self.unchecked,
            )
            for name in self.invokers
        }

    def todo(self, functions: Sequence[Staged], declared: Deployment | None = None) -> list[Step]:
        present = deploy.Present(labels=dict(self.labels), services=self.services)
        return [step for each in functions for step in deploy.row(each, target(declared), present)]


def service(name: str) -> str:
    return name.replace("_", "-")


def label_of(command: list[str]) -> str:
    return next(part for part in command if part.startswith("--update-labels=")).rpartition("=")[2]


@pytest.mark.parametrize("name", sorted(deployment().functions))
def test_a_function_is_deployed_with_what_is_declared(name):
    function = deployment().functions[name]
    command = commands(staged(name))[0]
    assert command[:4] == ["gcloud", "functions", "deploy", name]
    assert f"--memory={function.memory}" in command
    assert f"--cpu={function.cpu:g}" in command
    assert f"--concurrency={function.concurrency}" in command
    assert f"--max-instances={function.max_instances}" in command
    assert f"--timeout={function.timeout}s" in command
    assert f"--runtime={deployment().runtime}" in command
    assert f"--entry-point={name}" in command
    assert f"--source=dist/{name}" in command


@pytest.mark.parametrize("name", sorted(deployment().functions))
def test_only_public_functions_may_be_called_without_an_identity(name):
    """By switching the invoker check off: no command needs a policy for `allUsers`, which organisations refuse."""
    project = Project()
    for step in project.todo([staged(name)]):
        project.runs(step)
    public = deployment().functions[name].trigger == "http-public"
    assert project.unchecked == ({service(name)} if public else set())
    assert EVERYBODY not in project.invokers[service(name)]


def test_without_a_load_balancer_the_console_is_guarded_by_cloud_run_s_own_proxy_and_all_are_reached_directly():
    own = {"YT_IAP_AUDIENCE": "/projects/1/locations/us-central1/services/console"}
    for name in (PUBLIC, PROXIED):
        assert "--ingress-settings=all" in commands(staged(name), **own)[0]
    guarding = ["gcloud", "beta", "run", "services", "update", "console", "--iap"]
    assert [command[:7] for command in commands(staged(PROXIED), **own)].count(guarding) == 1
    balanced = {"YT_IAP_AUDIENCE": "/projects/1/global/backendServices/2"}
    assert guarding not in [command[:7] for command in commands(staged(PROXIED), **balanced)]


def test_a_function_that_is_no_longer_public_is_closed_before_its_new_code_comes():
    project = Project(invokers={"refresh-tokens": set()}, unchecked={"refresh-tokens"})
    first, *rest = project.todo([staged(PRIVATE)])
    assert "--invoker-iam-check" in first.command
    for step in (first, *rest):
        project.runs(step)
    assert project.unchecked == set()


def test_functions_with_public_paths_are_reached_through_the_load_balancer_only():
    for function in deployment().functions.values():
        if function.paths:
            assert "--ingress-settings=internal-and-gclb" in commands(staged(function.name))[0]


def test_whoever_may_call_is_set_as_a_whole_and_without_a_question():
    step = Project(invokers={"refresh-tokens": set()}).todo([staged(PRIVATE)])[-1]
    file = Path("dist/refresh_tokens.policy.json")
    assert step.command == (
        *("gcloud", "run", "services", "set-iam-policy", "refresh-tokens", str(file)),
        *("--project=proj", f"--region={deployment().region}", "--quiet"),
    )
    callers = [account(name) for name in deployment().functions[PRIVATE].callers]
    assert step.file is not None
    assert step.file[0] == file
    assert json.loads(step.file[1]) == {"bindings": [{"role": "roles/run.invoker", "members": callers}]}


WANTED = {
    "webhook": set(),
    "refresh-tokens": {account(name) for name in deployment().functions[PRIVATE].callers},
    "console": {IAP},
}


@pytest.mark.parametrize("halfway", [False, True])
@pytest.mark.parametrize("done", range(10))
@pytest.mark.fault(74)
def test_after_a_crash_at_any_point_the_next_run_leaves_exactly_the_declared_callers(done, halfway):
    functions = [staged(name) for name in (PUBLIC, PRIVATE, PROXIED)]
    # All are there in an older state, and each lets in somebody who is not declared.
    project = Project(invokers={"webhook": set(), "refresh-tokens": {EVERYBODY}, "console": {EVERYBODY, IAP}})
    project.unchecked |= {"console"}
    project.invokers["refresh-tokens"].add(account("somebody-of-yesterday"))
    todo = project.todo(functions)
    assert len(todo) == 10
    for step in todo[:done]:
        project.runs(step)
    if halfway:
        project.runs(todo[done], halfway=True)
    for step in project.todo(functions):
        project.runs(step)
    assert project.invokers == WANTED
    assert project.unchecked == {"webhook"}
    assert deployed_by([list(step.command) for step in project.todo(functions)]) == []


def test_a_changed_caller_is_let_in_and_a_removed_one_is_not_though_the_source_is_as_deployed():
    project, declared = Project(), deployment()
    for step in project.todo([staged(PRIVATE)]):
        project.runs(step)
    changed = replace(declared.functions[PRIVATE], callers=("task-queues", "app-backend"))
    later = replace(declared, functions={**declared.functions, PRIVATE: changed})
    todo = project.todo([staged(PRIVATE)], later)
    assert deployed_by([list(step.command) for step in todo]) == []
    for step in todo:
        project.runs(step)
    assert project.invokers["refresh-tokens"] == {account("task-queues"), account("app-backend")}


def test_nothing_is_done_for_a_public_function_that_did_not_change():
    project = Project()
    for step in project.todo([staged(PUBLIC)]):
        project.runs(step)
    assert project.todo([staged(PUBLIC)]) == []


def test_changed_source_is_deployed():
    present = deploy.Present(labels={"webhook": label_of(commands(staged("webhook"))[0])})
    assert deployed_by(commands(staged("webhook"), present=present)) == []
    assert deployed_by(commands(staged("webhook", digest="d2"), present=present)) == ["webhook"]


def all_deployed(**values: str) -> deploy.Present:
    return deploy.Present(
        labels={name: label_of(commands(staged(name), **values)[0]) for name in deployment().functions}
    )


@pytest.mark.parametrize(
    ("variable", "redeployed"),
    [
        ("YT_IAP_AUDIENCE", {"console", "mine"}),
        ("YT_ID_TOKEN_ISSUER", {"console", "mine", "oauth_start", "oauth_disconnect"}),
        ("GOOGLE_CLOUD_PROJECT", set(deployment().functions)),
        ("PYTHONUNBUFFERED", set(deployment().functions)),
    ],
)
def test_a_changed_setting_redeploys_the_functions_that_read_it(variable, redeployed):
    present = all_deployed(**{variable: "before"})
    todo = commands(*map(staged, deployment().functions), present=present, **{variable: "after"})
    assert set(deployed_by(todo)) == redeployed


def test_settings_are_read_by_their_names_alone():
    """What `infra.used_settings` cannot see: a field read by a computed name."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("functions", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"getattr", "asdict", "vars", "dataclasses.asdict"}
        and "settings" in ast.unparse(node.args[0]).lower()
    ]
    assert found == []


def test_the_label_of_a_function_that_does_not_serve_counts_for_nothing():
    place = "projects/proj/locations/r/functions"
    found = [
        {"name": f"{place}/webhook", "labels": {deploy.LABEL: "w"}, "state": "ACTIVE"},
        {"name": f"{place}/publish", "labels": {deploy.LABEL: "p"}, "state": "FAILED"},
        {"name": f"{place}/by_hand", "state": "ACTIVE"},
    ]
    assert deploy.labels(found) == {"webhook": "w", "by_hand": ""}


def test_a_label_fits_google_clouds_limit():
    assert len(label_of(commands(staged("webhook"))[0])) <= 63


def test_a_deployment_without_settings_says_which_file_is_missing():
    with pytest.raises(SystemExit, match=r"settings.no-such-project.yaml is missing"):
        deploy.main(["--project", "no-such-project"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("YT_APP_URL: https://app.example.com\n", "", "YT_APP_URL is missing"),
        ("YT_APP_URL: https", "YT_APP_URL: htp", "YT_APP_URL must be"),
        ("YT_APP_URL", "YT_APP_ADDRESS", "YT_APP_ADDRESS is no setting"),
        (
            "GOOGLE_CLOUD_PROJECT: re",
            "GOOGLE_CLOUD_PROJECT: un",
            "GOOGLE_CLOUD_PROJECT is unhearsal-project, and what",
        ),
        (
            "YT_ID_TOKEN_A",
            "YT_REGION: us-east1\nYT_ID_TOKEN_A",
            "YT_REGION is us-east1, and what is deployed to is us-c",
        ),
        ("YT_APP_URL: ", "YT_APP_URL: [", "is no YAML"),
        (SETTINGS, "production\n", "has no variables"),
    ],
)
def test_settings_with_which_nothing_would_start_are_refused_before_anything_is_asked_or_deployed(
    tmp_path, record_property, old, new, words
):
    settings = tmp_path / "settings.yaml"
    settings.write_text(SETTINGS.replace(old, new, 1))
    with pytest.raises(SystemExit, match=re.escape(words)):
        deploy.main(["--project", PROJECT, "--settings", str(settings)])
    record_property("mistake", f"settings: {words}")


def test_a_function_is_deployed_with_the_settings_and_serves_as_many_at_once_as_its_instances_take():
    for name, threads in (("webhook", {"THREADS": "48"}), ("ingest", {})):
        step = deploy.deploy_step(staged(name), target(values={"YT_DATASET": "numbers"}))
        assert step.file is not None
        path, text = step.file
        assert f"--env-vars-file={path}" in step.command
        assert yaml.safe_load(text) == {"YT_DATASET": "numbers", **threads}
        assert f"--concurrency={threads.get('THREADS', 1)}" in step.command


def test_settings_that_are_whole_are_deployed_with():
    assert deploy.problems(replace(target(values=yaml.safe_load(SETTINGS)), project=PROJECT)) == []


def test_the_build_checks_and_tests_before_it_deploys_what_was_staged():
    steps = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())["steps"]
    assert [step["id"] for step in steps] == ["check-and-test", "stage", "terraform", "deploy", "roll-out"]
    assert "make test" in steps[0]["args"][-1]
    assert "infra.stage" in steps[1]["args"][-1]
    planned, applied = (steps[2]["args"][-1].index(f"terraform {word}") for word in ("plan", "apply"))
    assert planned < applied
    assert "infra.deploy" in steps[3]["args"][-1]
    assert "infra.rollout" in steps[4]["args"][-1]


def test_a_plan_that_destroys_anything_is_not_applied_by_the_build():
    command = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())["steps"][2]["args"][-1]
    [pattern] = re.findall(r"grep -qE '(.*)' planned\.json", command)
    for actions, found in (
        (["create"], False),
        (["update"], False),
        (["delete"], True),
        (["create", "delete"], True),
    ):
        told = json.dumps({"change": {"actions": actions, "before": {"delete": 1}}}, separators=(",", ":"))
        assert bool(re.search(pattern, told)) == found, actions


def test_the_build_and_the_dev_container_have_the_python_that_is_deployed():
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    assert f"python{build['substitutions']['_PYTHON']}".replace(".", "") == deployment().runtime
    assert build["steps"][0]["name"].startswith("python:${_PYTHON}-")
    container = (ROOT / ".devcontainer" / "Dockerfile").read_text()
    assert (
        f"FROM {build['steps'][0]['name'].replace('${_PYTHON}', build['substitutions']['_PYTHON'])}\n" in container
    )


def test_the_build_installs_what_staging_and_deploying_import():
    graph = grimp.build_graph("infra", "shared", include_external_packages=True, cache_dir=None)
    for imported in graph.find_modules_directly_imported_by("infra.smoke"):
        if imported.startswith("infra.local."):  # for the local stack, which no build asks
            graph.remove_import(importer="infra.smoke", imported=imported)

    def wanted(*modules: str) -> set[str]:
        reached = {name for each in modules for name in (each, *graph.find_upstream_modules(each))}
        outside = {name for name in reached if name.partition(".")[0] not in {"infra", "shared"}}
        return {name.replace("yaml", "pyyaml") for name in outside - sys.stdlib_module_names}

    text = (ROOT / "cloudbuild.yaml").read_text()
    installed = [set(names.split()) for names in re.findall(r"-c infra/requirements/dev\.txt (.*)", text)]
    warehouse = {"google-cloud-bigquery"}
    assert installed == [wanted("infra.stage"), wanted("infra.deploy", "infra.rollout") | warehouse]


def test_the_warehouse_is_made_before_any_function_is_deployed(capsys, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text("YT_DATASET: numbers\nYT_AGGREGATION: one-content-owner\n")
    assert deploy.main(["--project", "proj", "--settings", str(settings), "--dry-run"]) == 0
    first, *others = (line for line in capsys.readouterr().out.splitlines() if not line.startswith("#"))
    location = deployment().warehouse_location
    made = f"-m infra.warehouse --project=proj --location={location} --dataset=numbers"
    assert first.endswith(f"{made} --aggregation=one-content-owner")
    assert all(line.startswith("gcloud ") for line in others)


def test_the_build_fits_its_time_limit():
    """Google takes some three minutes to build and roll out a function, and several are deployed at once."""
    build = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
    limits = {step["id"]: seconds(step["timeout"]) for step in build["steps"]}
    rounds = -(-len(deployment().functions) // gcloud.AT_ONCE)
    assert limits["deploy"] >= rounds * 180 + 120
    assert sum(limits.values()) <= seconds(build["timeout"])


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_the_build_repeats_nothing_of_the_declaration():
    text = (ROOT / "cloudbuild.yaml").read_text()
    assert [name for name in deployment().functions if name in text] == []
