"""A staged function needs nothing of the tree that it was copied from."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infra import stage

ALONE = """
import pkgutil, sys
from pathlib import Path
import functions_framework
here, name = Path(sys.argv[1]), sys.argv[2]
functions_framework.create_app(name, str(here / "main.py"))
import shared
for module in pkgutil.walk_packages(shared.__path__, "shared."):
    __import__(module.name)
ours = [m for n, m in sys.modules.items() if n.partition(".")[0] in ("shared", "functions", "infra", "main")]
foreign = [m.__file__ for m in ours if getattr(m, "__file__", None) and not Path(m.__file__).is_relative_to(here)]
assert not foreign, foreign
"""


@pytest.mark.parametrize("name", stage.declared_and_present())
def test_a_staged_function_starts_alone_with_every_module_that_it_brought(name, tmp_path):
    [staged] = stage.stage([name], into=tmp_path)
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    started = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(staged.folder), name],
        cwd=tmp_path,
        env=bare,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 0, started.stderr
