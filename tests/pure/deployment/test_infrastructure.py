"""Terraform's files read without Terraform: every variable is there, and grants follow what the code reaches."""

from __future__ import annotations

import copy
import json
import re

import pytest
import yaml

from infra import documents, stage
from infra.deployment import DECLARATION, ROOT, deployment, parse

TERRAFORM = ROOT / "infra" / "terraform"
TEXT = "\n".join(path.read_text() for path in sorted(TERRAFORM.glob("*.tf")))


def declares(kind: str) -> set[str]:
    return set(re.findall(rf'^{kind} "(\w+)" {{', TEXT, flags=re.MULTILINE))


def test_every_variable_that_is_used_is_declared_and_every_declared_one_is_used():
    assert set(re.findall(r"\bvar\.(\w+)", re.sub(r"variable .*?\n}\n", "", TEXT, flags=re.DOTALL))) == declares(
        "variable"
    )


def test_every_variable_has_a_type_and_words_and_each_text_a_rule():
    for name, body in re.findall(r'^variable "(\w+)" {\n(.*?)^}', TEXT, flags=re.DOTALL | re.MULTILINE):
        assert "type " in body, name
        assert "description" in body, name
        assert "validation {" in body or "type        = bool" in body, name


@pytest.mark.parametrize("path", sorted((TERRAFORM / "environments").glob("*.tfvars")), ids=lambda path: path.stem)
def test_an_environment_sets_known_variables_and_all_that_have_no_default(path):
    given = set(re.findall(r"^(\w+) +=", path.read_text(), flags=re.MULTILINE))
    needed = {
        name
        for name, body in re.findall(r'^variable "(\w+)" {\n(.*?)^}', TEXT, flags=re.DOTALL | re.MULTILINE)
        if not re.search(r"^  default ", body, flags=re.MULTILINE)
    }
    assert needed <= given <= declares("variable")


def test_every_section_of_the_declaration_is_made_from_the_declaration():
    sections = {"service_accounts", "secrets", "functions", "schedules", "queues", "topics", "subscriptions"}
    assert {each for each in sections if f"local.declared.{each}" in TEXT} == sections
    assert not re.search(r'"(us-central1|collect-reports|youtube-vault-key|oauth_start)', TEXT)


def test_terraform_s_copy_of_the_data_map_is_the_code_s():
    assert (TERRAFORM / "data_map.json").read_text() == documents.data_map()
    assert json.loads(documents.data_map()).keys() == set(re.findall(r"local\.data_map\.(\w+)", TEXT))


@pytest.mark.parametrize("name", deployment().functions)
def test_a_function_may_do_only_what_its_code_reaches(name):
    function, files = deployment().functions[name], stage.sources(name)
    assert not function.publishes or "shared/cloud/pubsub.py" in files
    assert not function.enqueues or "shared/cloud/queues.py" in files
    assert function.warehouse is None or "shared/cloud/bigquery.py" in files
    assert function.warehouse != "write" or "shared/warehouse/append.py" in files
    assert not function.sources or "shared/cloud/storage.py" in files


@pytest.mark.parametrize("name", deployment().functions)
def test_a_function_whose_main_names_a_queue_or_the_warehouse_s_rooms_is_granted_them(name):
    function, text = deployment().functions[name], (ROOT / "functions" / name / "main.py").read_text()
    queues = set(re.findall(r'queues\.enqueue\(\s*"([\w-]+)"', text))
    assert queues <= set(function.enqueues)
    assert "pubsub.to_ingest(" not in text or "ingest" in function.publishes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda d: d["secrets"].update(spare={"holds": "nothing", "fill": "none"}),
            "nobody uses the secret 'spare'",
        ),
        (lambda d: d["service_accounts"].update(visitor="A guest"), "nobody uses the service account 'visitor'"),
        (lambda d: d["topics"].update(gossip={}), "nobody uses the topic 'gossip'"),
        (lambda d: d["queues"].update(idle=d["queues"]["watch"]), "nobody uses the queue 'idle'"),
        (
            lambda d: d["functions"]["watch"].update(enqueues=["x", "watch"]),
            "watch names the undeclared queue 'x'",
        ),
        (
            lambda d: d["functions"]["watch"].update(publishes=["y", "alerts"]),
            "watch names the undeclared topic 'y'",
        ),
        (lambda d: d["functions"]["watch"].update(warehouse="admin"), "undeclared warehouse access 'admin'"),
        (
            lambda d: d["secrets"]["youtube-vault-key"].update(rotation={"topic": "z", "days": 90}),
            "youtube-vault-key names the undeclared topic 'z'",
        ),
    ],
)
def test_what_nobody_uses_and_what_is_not_there_is_refused(record_property, change, words):
    document = copy.deepcopy(yaml.safe_load(DECLARATION.read_text()))
    change(document)
    with pytest.raises(ValueError, match=re.escape(words)):
        parse(document)
    record_property("mistake", f"deployment.yaml: {words}")
