"""The dashboards' files: what the code makes, and as Grafana's own models read them."""

from __future__ import annotations

import json
import re
import sys

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import bigquery, dashboard

from infra.deployment import ROOT
from infra.grafana import __main__ as command
from infra.grafana.build import Place, files
from infra.grafana.panels import HERE, dashboards

MADE = files(Place())
RUNBOOK = ROOT / "infra" / "docs" / "runbook.md"


def test_the_committed_files_are_what_the_code_makes():
    committed = {
        str(path.relative_to(HERE / "dashboards")): path.read_text()
        for path in (HERE / "dashboards").rglob("*.json")
    }
    assert committed == MADE


@pytest.mark.parametrize("name", MADE)
def test_grafana_s_own_models_read_a_file_back_without_loss(name):
    register_default_plugins()
    said = json.loads(MADE[name])
    read = dashboard.Dashboard.from_json(said)
    assert json.loads(JSONEncoder().encode(read)) == said
    for panel in read.panels:
        (target,) = panel.targets
        assert isinstance(target, bigquery.Dataquery)
        assert target.editor_mode == bigquery.EditorMode.CODE


@pytest.mark.parametrize("name", MADE)
def test_panels_fill_the_grid_without_overlap_and_have_ids_of_their_own(name):
    panels = json.loads(MADE[name])["panels"]
    taken = [
        (each["gridPos"]["x"] + x, each["gridPos"]["y"] + y)
        for each in panels
        for x in range(each["gridPos"]["w"])
        for y in range(each["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) == 23
    assert len({each["id"] for each in panels}) == len(panels)


@pytest.mark.parametrize("name", MADE)
def test_only_variables_that_a_dashboard_declares_are_left_in_its_queries(name):
    declared = {each["name"] for each in json.loads(MADE[name])["templating"]["list"]}
    used = set(re.findall(r"\$\{(\w+)", MADE[name]))
    assert used <= declared | {"__from", "__to"}
    assert "{dataset}" not in MADE[name].replace("${dataset}", "")


def test_a_dashboard_that_adds_up_owners_lies_apart():
    assert [name for name in MADE if name.startswith("over_owners/")] == ["over_owners/network.json"]
    assert not any("network_daily" in text for name, text in MADE.items() if not name.startswith("over_owners/"))


def test_an_installation_s_own_files_have_its_addresses(tmp_path, monkeypatch):
    addresses = {
        "--dataset": "acme.tube",
        "--console": "https://acme.example/console",
        "--runbook": "https://r.example",
    }
    arguments = [word for pair in addresses.items() for word in pair]
    monkeypatch.setattr(sys, "argv", ["grafana", "--out", str(tmp_path), *arguments])
    assert command.main() == 0
    text = (tmp_path / "quota.json").read_text()
    assert '"acme.tube"' in text
    assert '"https://acme.example/console/quota"' in text
    assert '"https://r.example#youtube_api_quota_used"' in text
    assert "example.org" not in text


def test_a_file_that_was_changed_or_is_left_over_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["grafana", "--out", str(tmp_path)])
    assert command.main() == 0
    (tmp_path / "quota.json").write_text("{}")
    (tmp_path / "other.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["grafana", "--check", "--out", str(tmp_path)])
    assert command.main() == 1
    said = capsys.readouterr().err
    assert "quota.json" in said
    assert "other.json" in said
    assert "api.json" not in said


def test_every_section_that_a_panel_names_is_in_the_runbook():
    wanted = {each.runbook for board in dashboards() for each in board.panels if each.runbook}
    assert wanted
    assert wanted <= set(re.findall(r"^## (\w+)$", RUNBOOK.read_text(), re.MULTILINE))
