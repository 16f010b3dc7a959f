"""Staging: each function whole, and the same for the same tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import stage
from infra.deployment import ROOT, deployment

FUNCTIONS = stage.declared_and_present()


def test_staging_twice_changes_nothing_the_second_time(tmp_path):
    first = stage.stage(FUNCTIONS[:2], into=tmp_path)
    second = stage.stage(FUNCTIONS[:2], into=tmp_path)
    assert [one.changed for one in first] == [True, True]
    assert [one.changed for one in second] == [False, False]
    assert [one.digest for one in first] == [one.digest for one in second]


def test_two_stagings_are_alike_to_the_bit_the_time_and_the_mode(tmp_path):
    for place in ("one", "two"):
        stage.stage(FUNCTIONS[:1], into=tmp_path / place)

    def look(place: str) -> list[tuple[str, bytes, float, int]]:
        root = tmp_path / place / FUNCTIONS[0]
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return [
            (str(f.relative_to(root)), f.read_bytes(), f.stat().st_mtime, f.stat().st_mode & 0o777) for f in files
        ]

    assert look("one") == look("two")
    assert {(time, mode) for _, _, time, mode in look("one")} == {(stage.FIXED_TIME, 0o644)}


def test_a_staged_function_brings_only_what_it_reaches():
    files = stage.sources("oauth_start")
    assert "main.py" in files
    assert "requirements.txt" in files
    assert "shared/settings.py" in files
    assert not any(name.startswith(("shared/warehouse/", "shared/console/")) for name in files)
    assert not any(name.startswith(("infra", "tests", "functions")) for name in files)


def test_data_files_come_with_their_package_or_the_module_of_their_name_and_those_of_views_with_none():
    found = {name: stage.sources(name).keys() for name in ("ingest", "collect_analytics", "webhook", "mine")}
    sql = {p for p in (ROOT / "shared").rglob("*.sql") if not {*p.parents} & {*stage.OF_VIEWS}}
    assert {str(p.relative_to(ROOT)) for p in sql} == {name for name in found["ingest"] if name.endswith(".sql")}
    for name, files in found.items():
        assert not [each for each in files if "codes.toml" in each or "/sql/views/" in each], name
        for data in (each for each in files if each.endswith(".toml")):
            module = data.replace(".toml", ".py")
            assert module in files or not (ROOT / module).is_file(), data
    assert "shared/warehouse/explain.toml" in found["mine"]
    assert "shared/warehouse/explain.toml" not in found["ingest"]


def test_a_file_that_vanished_from_the_tree_vanishes_from_the_copy(tmp_path):
    [staged] = stage.stage(FUNCTIONS[:1], into=tmp_path)
    (staged.folder / "left_over.py").write_text("")
    stage.write(stage.sources(staged.name), staged.folder)
    assert not (staged.folder / "left_over.py").exists()


def test_a_function_without_an_entry_point_is_named():
    with pytest.raises(FileNotFoundError, match=r"functions/no_such/main\.py"):
        stage.sources("no_such")


def test_a_kept_copy_outlives_a_change_of_the_tree(tmp_path):
    first = stage.copy_by_hash(FUNCTIONS[0], tmp_path)
    marker = first / "marker"
    marker.write_text("")
    assert stage.copy_by_hash(FUNCTIONS[0], tmp_path) == first
    assert marker.exists()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import shared.entry", {"shared.entry"}),
        ("from shared import entry", {"shared", "shared.entry"}),
        ("def f():\n    from shared.cloud import queues", {"shared.cloud", "shared.cloud.queues"}),
        ("import os, sharedness", set()),
        ("from . import shared", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(code, names):
    assert stage.imports_of_shared(code) == names


@given(st.dictionaries(st.text(min_size=1), st.binary(), max_size=4), st.data())
def test_the_digest_depends_on_names_and_contents_and_not_on_order(files, data):
    order = data.draw(st.permutations(list(files.items())))
    assert stage.digest(dict(order)) == stage.digest(files)
    changed = {**files, "\0new": b""}
    assert stage.digest(changed) != stage.digest(files)


def test_every_declared_function_can_be_staged():
    assert set(FUNCTIONS) == set(deployment().functions)
