"""`python -m infra.grafana`: the dashboards' files; exit status 1 when --check finds a difference.

    python -m infra.grafana --answers PROJECT [--dataset youtube]

asks a project's warehouse each panel's query and the guide's three, prints the answers, and exits with 1 where one
fails, or is empty and ought not be.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from infra.grafana.answers import answers, as_text
from infra.grafana.build import Place, files
from infra.grafana.panels import HERE
from shared.clock import system_clock
from shared.cloud import bigquery
from shared.warehouse.statements import Warehouse


def main() -> int:
    """Write, or compare. A file that no dashboard makes any more is a difference too."""
    parser = argparse.ArgumentParser(prog="python -m infra.grafana", description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "dashboards")
    for each in fields(Place):
        parser.add_argument(f"--{each.name}", default=each.default)
    parser.add_argument("--answers", metavar="PROJECT")
    given = parser.parse_args()
    place = Place(**{each.name: getattr(given, each.name) for each in fields(Place)})
    if given.answers:
        return _answer(given.answers, place)
    wanted = files(place)
    there = {str(path.relative_to(given.out)): path for path in given.out.rglob("*.json")}
    other = [
        name
        for name in sorted(wanted.keys() | there.keys())
        if name not in there or there[name].read_text() != wanted.get(name)
    ]
    if given.check:
        for name in other:
            print(f"infra/grafana/dashboards/{name} is out of date. Run: python -m infra.grafana", file=sys.stderr)
        return int(bool(other))
    for name in wanted:
        (given.out / name).parent.mkdir(parents=True, exist_ok=True)
        (given.out / name).write_text(wanted[name])
    for name in there.keys() - wanted.keys() if given.out == HERE / "dashboards" else ():
        there[name].unlink()
    return 0


def _answer(project: str, place: Place) -> int:
    warehouse = Warehouse(bigquery.client(project), place.dataset.rpartition(".")[2])
    told = list(answers(warehouse, system_clock(), place.quota))
    print(*map(as_text, told), sep="\n")
    return int(any(each.problem for each in told))


if __name__ == "__main__":
    sys.exit(main())
