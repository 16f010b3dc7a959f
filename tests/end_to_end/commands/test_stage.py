"""A staged function as Cloud Functions runs it: from its own folder, with nothing around it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infra import stage

ALONE = """
import importlib, os, pkgutil, sys, traceback
from pathlib import Path
import functions_framework

def alone(here):
    functions_framework.create_app(here.name, str(here / "main.py"))
    import shared
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        importlib.import_module(module.name)
    ours = [m for n, m in sys.modules.items() if n.partition(".")[0] in ("shared", "functions", "infra", "main")]
    places = [m.__file__ for m in ours if getattr(m, "__file__", None)]
    foreign = [each for each in places if not Path(each).is_relative_to(here)]
    assert not foreign, foreign

for package in sys.argv[1].split(","):
    importlib.import_module(package)
for folder in map(Path, sys.argv[2:]):
    child = os.fork()
    if child == 0:
        try:
            alone(folder)
        except BaseException:
            (folder / "failed").write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
    (folder / "ended").touch()
"""
OTHERS = (
    *(
        "google.cloud.bigquery",
        "google.cloud.firestore",
        "google.auth.transport.urllib3",
        "google.cloud.secretmanager",
    ),
    *("google.cloud.tasks_v2", "google_auth_oauthlib.flow", "googleapiclient.discovery", "jinja2", "jwt"),
)
"""What the functions stand on: it takes a second to import, so that is done before a process is made for each."""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The folder of every function that was started alone."""
    place = tmp_path_factory.mktemp("staged")
    folders = {each.folder.name: each.folder for each in stage.stage(stage.declared_and_present(), into=place)}
    bare = {"PATH": os.environ["PATH"], "HOME": str(place)}
    command = [sys.executable, "-I", "-c", ALONE, ",".join(OTHERS), *map(str, folders.values())]
    subprocess.run(command, cwd=place, env=bare, timeout=300, check=True)
    return folders


@pytest.mark.parametrize("name", stage.declared_and_present())
def test_a_staged_function_starts_alone_with_every_module_that_it_brought(name, started):
    failed = started[name] / "failed"
    assert not failed.exists(), failed.read_text()
    assert (started[name] / "ended").exists()
