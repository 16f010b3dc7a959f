"""A copy of what is deployed from: changed, put back, and deployed by the real commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.deployment import ROOT

PROJECT = "rehearsal-project"
FOLDERS, FILES = ("functions", "infra", "shared"), ("requirements.txt",)
SETTINGS = """\
GOOGLE_CLOUD_PROJECT: rehearsal-project
YT_APP_URL: https://app.example.com
YT_API_URL: https://api.example.com
YT_ID_TOKEN_ISSUER: https://issuer.example.com
YT_ID_TOKEN_AUDIENCE: rehearsal
YT_ID_TOKEN_KEYS_URL: https://issuer.example.com/keys
YT_IAP_AUDIENCE: /projects/1/locations/us-central1/services/console
"""
LONGEST = 300  # seconds for one command


def copy(folder: Path) -> Path:
    """A copy of the tree under a folder, with the settings of the rehearsed project."""
    tree = folder / "tree"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, tree / name)
    (tree / "infra" / f"settings.{PROJECT}.yaml").write_text(SETTINGS)
    return tree


def run(tree: Path, module: str, environment: Mapping[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the tree, as a person west of Greenwich does."""
    return subprocess.run(
        [sys.executable, "-m", module, "--project", PROJECT, *more],
        cwd=tree,
        env={**os.environ, **environment, "TZ": "America/Los_Angeles", "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=LONGEST,
        check=False,
    )


def shell(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command line as an operator types it."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, **environment, "CLOUDSDK_CORE_PROJECT": PROJECT},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=LONGEST,
        check=False,
    )
