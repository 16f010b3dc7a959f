"""Stages each function: `dist/<function>/` with main.py, its requirements and what it imports of shared/.

Cloud Functions deploys one folder per function and knows nothing of a tree around it. What is copied follows the
import graph, so a change in one room changes only the functions that reach it; `dist/<function>.sha256` says so.
The copy is deterministic (sorted, one time, one mode): the same tree gives the same hash on any machine.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp

from infra import used_settings
from infra.deployment import ROOT, deployment

DIST = ROOT / "dist"
FIXED_TIME = 315_619_200  # 1980-01-02: a zip archive holds local times from 1980 on, also west of Greenwich
MODE = 0o644
OF_VIEWS = tuple(
    ROOT / "shared" / "warehouse" / name
    for name in ("codes.toml", "by_dimension.toml", "sql/views", "sql/marts", "sql/over_owners")
)
"""What a deployment makes the views of (`infra/views.py`), and no function reads."""
COPIES_KEPT = 8  # of one function: as many states of the tree may run at once


@dataclass(frozen=True, kw_only=True)
class Staged:
    """One staged function. digest: SHA-256 over names and contents; changed: since the last staging here.

    settings: the environment variables that its code reads.
    """

    name: str
    folder: Path
    digest: str
    changed: bool
    files: int
    size: int
    settings: frozenset[str]


def declared_and_present() -> tuple[str, ...]:
    """Declared functions whose folder exists."""
    return tuple(name for name in deployment().functions if (ROOT / "functions" / name / "main.py").is_file())


def sources(function: str) -> dict[str, bytes]:
    """What the function's deployed folder holds: path to content, sorted. Raises FileNotFoundError without one."""
    home = ROOT / "functions" / function
    files = {"requirements.txt": (ROOT / "requirements.txt").read_bytes()}
    imported: set[str] = set()
    for path in _files_in(home):
        content = path.read_bytes()
        files[str(path.relative_to(home))] = content
        if path.suffix == ".py":
            imported |= imports_of_shared(content.decode())
    if "main.py" not in files:
        raise FileNotFoundError(f"functions/{function}/main.py is missing")
    for path in reached(imported):
        files[str(path.relative_to(ROOT))] = path.read_bytes()
    return dict(sorted(files.items()))


def imports_of_shared(code: str) -> set[str]:
    """Names below `shared` that a module imports, wherever in it; a name may be a module or something in one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name == "shared" or name.startswith("shared.")}


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("shared", cache_dir=None, exclude_type_checking_imports=True)


def reached(names: Iterable[str]) -> list[Path]:
    """Files of shared/ that importing these names can lead to, with the data files of their packages.

    A data file that has a module's name comes with that module alone.
    Importing a.b.c runs a/__init__ and a/b/__init__ first, so packages count with what they import.
    """
    graph = _graph()
    waiting = [name for name in names if name in graph.modules]
    modules: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in modules:
            continue
        modules.add(module)
        parent = module.rpartition(".")[0]
        waiting += [*graph.find_modules_directly_imported_by(module), *([parent] if parent else [])]
    files: set[Path] = set()
    for module in modules:
        place = ROOT.joinpath(*module.split("."))
        if not place.is_dir():
            files.add(place.with_suffix(".py"))
            continue
        files.add(place / "__init__.py")
        files |= {path for path in _data_of(place) if _named(module, path) <= modules}
    return sorted(files)


def _data_of(package: Path) -> Iterator[Path]:
    """What modules of a package read: nothing of a package within it, and nothing for views."""
    for path in package.iterdir():
        if path in OF_VIEWS or path.name.startswith((".", "__pycache__")):
            continue
        if not path.is_dir():
            if path.suffix != ".py":
                yield path
        elif not (path / "__init__.py").is_file():
            yield from _data_of(path)


def _named(package: str, path: Path) -> set[str]:
    """The module beside a data file that has its name, if there is one."""
    return {f"{package}.{path.stem}"} if path.with_suffix(".py").is_file() else set()


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the sorted names, lengths and contents."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Put a folder in place whole: whoever looks sees the old one, none, or the new one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    for name, content in files.items():
        path = new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(MODE)
        os.utime(path, (FIXED_TIME, FIXED_TIME))
    new.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two commands may stage at once; one of them waits."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def stage(names: Iterable[str] | None = None, *, into: Path = DIST) -> list[Staged]:
    """Stage functions (all declared ones by default), touching only what changed."""
    with _alone(into):
        return [_stage_one(name, into) for name in (deployment().functions if names is None else names)]


def _stage_one(name: str, into: Path) -> Staged:
    files = sources(name)
    fresh, note, folder = digest(files), into / f"{name}.sha256", into / name
    changed = not folder.is_dir() or not note.is_file() or note.read_text().split()[0] != fresh
    if changed:
        note.unlink(missing_ok=True)
        write(files, folder)
        note.write_text(f"{fresh}  {name}\n")
    size = sum(len(content) for content in files.values())
    return Staged(
        name=name,
        folder=folder,
        digest=fresh,
        changed=changed,
        files=len(files),
        size=size,
        settings=used_settings.used(files),
    )


def copy_by_hash(name: str, into: Path) -> Path:
    """A copy of a function in a folder named by its hash, for processes that run from it.

    `dist/` is replaced whenever the tree changes; a running stack imports lazily and must not see that.
    """
    files = sources(name)
    folder = into / f"{name}-{digest(files)[:16]}"
    with _alone(into):
        if not folder.is_dir():
            write(files, folder)
        os.utime(folder)  # in use now
        copies = sorted(into.glob(f"{name}-{'[0-9a-f]' * 16}"), key=lambda copy: copy.stat().st_mtime)
        for old in copies[:-COPIES_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    return folder


def main() -> None:
    """`python -m infra.stage [function ...]`: stage, and say what changed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("functions", nargs="*", help="all declared functions by default")
    for staged in stage(parser.parse_args().functions or None):
        change = "changed" if staged.changed else "unchanged"
        print(
            f"{staged.name:22} {staged.files:4} files {staged.size / 1024:7.0f} KiB  "
            f"{staged.digest[:12]}  {change}"
        )


if __name__ == "__main__":
    main()
