"""Renews the parts of README.md that are printed from the code: functions, settings, the policy for faults.

    python -m infra.readme            rewrites what stands between the markers
    python -m infra.readme --check    says which part is out of date, and fails

A part stands between `<!-- name -->` and `<!-- /name -->`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields

from infra.deployment import ROOT, Function, deployment
from infra.policy_table import as_markdown
from shared.settings import Settings

README = ROOT / "README.md"


def functions() -> str:
    """Every declared function: who calls it, and the first sentence of its own docstring."""
    lines = ["| function | called by | memory | |", "|---|---|---|---|"]
    lines += [
        f"| `{function.name}` | {_called_by(function)} | {function.memory} | {_first_line(function.name)} |"
        for function in deployment().functions.values()
    ]
    return "\n".join(lines)


def _called_by(function: Function) -> str:
    if function.trigger == "http-public":
        return "anyone, at " + ", ".join(f"`{path}`" for path in function.paths)
    if function.trigger == "http-iap":
        return "people behind Identity-Aware Proxy, at " + ", ".join(f"`{path}`" for path in function.paths)
    if function.trigger == "pubsub":
        return f"Pub/Sub, topic `{function.topic}`"
    schedules = [s for s in deployment().schedules.values() if s.function == function.name]
    times = ", ".join(f"`{schedule.cron}`" for schedule in schedules)
    return ", ".join(function.callers) + (f" ({times} UTC)" if times else "")


def _first_line(name: str) -> str:
    source = (ROOT / "functions" / name / "main.py").read_text()
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def settings() -> str:
    """Every setting with its default."""
    lines = ["| variable | default | |", "|---|---|---|"]
    lines += [
        f"| `{item.metadata['env']}` | {_default(item.default)} | {item.metadata['doc']} |"
        for item in fields(Settings)
    ]
    return "\n".join(lines)


def _default(value: object) -> str:
    if value is MISSING:
        return "**required**"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else "none"


PARTS: Mapping[str, Callable[[], str]] = {
    "functions": functions,
    "settings": settings,
    "policy": as_markdown,
}


def renewed(text: str) -> str:
    """The README with every part as the code has it now. Raises ValueError for a part without its markers."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"README.md has no place for the part {name!r}")
        part = make().strip()
        text = pattern.sub(lambda found, part=part: found[1] + part + found[2], text)  # type: ignore[misc]
    return text


def main() -> int:
    """Exit status 1 when --check finds a difference."""
    before = README.read_text()
    after = renewed(before)
    if "--check" in sys.argv[1:]:
        if before != after:
            print("README.md is out of date. Run: make readme", file=sys.stderr)
        return int(before != after)
    README.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
