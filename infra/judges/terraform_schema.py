"""Renews `google_provider.json`: what Terraform's google provider takes, for the resources that are used here.

    python -m infra.judges.terraform_schema cdktn_provider_google-21.1.0-py3-none-any.whl

Terraform's registry is not reached where the tests run. PyPI's cdktn-provider-google (`pip download --no-deps`) is
generated from the provider's own schema and lists every argument and block. A list and a set look alike in it, and
an argument that the provider fills in when it is left out looks as if it did not.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.deployment import ROOT

SCHEMA = Path(__file__).with_name("google_provider.json")
_ARGUMENT = re.compile(r"/docs/(?:resources|data-sources)/\S+#(\w+) \w+#\w+}")
_VERSION = re.compile(r"providers/hashicorp/google/([\d.]+)/docs")
_FROM_CONSTRUCTS = {
    "tfResourceType",
    "count",
    "connection",
    "dependsOn",
    "forEach",
    "lifecycle",
    "provider",
    "provisioners",
}


def used() -> tuple[set[str], set[str]]:
    """The types of resources and of data sources that the configuration names."""
    text = "\n".join(path.read_text() for path in (ROOT / "infra" / "terraform").glob("*.tf"))
    return set(re.findall(r'^resource "(\w+)"', text, re.MULTILINE)), set(
        re.findall(r'^data "(\w+)"', text, re.MULTILINE)
    )


def types_of(wheel: Path) -> dict[str, Any]:
    """The package's types by their full names."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(name)), mode="r|gz") as packed:
            for member in packed:
                if member.name.endswith("/.jsii"):
                    found: dict[str, Any] = json.load(packed.extractfile(member) or io.BytesIO())["types"]
                    return found
    raise SystemExit(f"{wheel} holds no .jsii")


def block(types: Mapping[str, Any], described: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a resource or of a block in it: "string!" where required, a nested block as an object."""
    found: dict[str, Any] = {}
    for item in described.get("properties", ()):  # `auto {}` has none
        argument = _ARGUMENT.search(json.dumps(item.get("docs", {})))
        if argument is None:
            continue
        required = "" if item.get("optional") else "!"
        kind, many = _kind(item["type"])
        if kind in types:
            inside = block(types, types[kind])
            found[argument[1]] = {"least": int(bool(required)), "most": 0 if many else 1, "of": inside}
        else:
            found[argument[1]] = kind + required
    return dict(sorted(found.items()))


def _kind(given: Mapping[str, Any]) -> tuple[str, bool]:
    """A type in Terraform's words, or the name of a block's type; and whether there may be many."""
    if "union" in given:
        return next(found for each in given["union"]["types"] if (found := _kind(each))[0] != "cdktn.IResolvable")
    if "primitive" in given:
        return {"boolean": "bool"}.get(given["primitive"], given["primitive"]), False
    if "fqn" in given:
        return {"cdktn.StringMap": "map(string)"}.get(given["fqn"], given["fqn"]), False
    element, _ = _kind(given["collection"]["elementtype"])
    if "." in element:
        return element, True
    return f"{'map' if given['collection']['kind'] == 'map' else 'list'}({element})", True


def resource(types: Mapping[str, Any], name: str, base: str) -> dict[str, Any]:
    """Everything that a resource takes, and "string-" for what it answers."""
    wanted = name.removeprefix("google_").replace("_", "")
    for full, described in types.items():
        if described.get("base") == base and full.rpartition(".")[2].lower() in {
            wanted,
            f"datagoogle{wanted}",
            f"google{wanted}",
        }:
            found = block(types, types[f"{full}Config"])
            for item in described["properties"]:
                snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", item["name"]).lower()
                kind, _ = _kind(item["type"])
                ours = item["name"] in _FROM_CONSTRUCTS or item["name"].endswith("Input")
                if not ours and snake not in found and "." not in kind:
                    found[snake] = kind + "-"
            return found
    raise SystemExit(f"the package knows no {name}")


def main() -> None:
    """Write the file anew from a wheel."""
    types = types_of(Path(sys.argv[1]))
    resources, sources = used()
    version = next(found[1] for each in types.values() if (found := _VERSION.search(json.dumps(each))))
    kinds = {
        "resources": {name: resource(types, name, "cdktn.TerraformResource") for name in sorted(resources)},
        "data": {name: resource(types, name, "cdktn.TerraformDataSource") for name in sorted(sources)},
    }
    lines = [f'"{kind}": {{\n' + ",\n".join(map(_line, found.items())) + "\n}" for kind, found in kinds.items()]
    SCHEMA.write_text(f'{{"provider": "{version}",\n' + ",\n".join(lines) + "}\n")


def _line(item: tuple[str, Any]) -> str:
    return f"{json.dumps(item[0])}: {json.dumps(item[1], separators=(',', ':'))}"


if __name__ == "__main__":
    main()
