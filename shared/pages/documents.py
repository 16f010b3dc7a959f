"""HTML documents from one folder of templates: no script, nothing loaded from elsewhere, one style sheet.

Everything that comes from outside is escaped by the template engine. The headers keep a document out of caches
and out of other sites' frames, and allow its one style sheet, by hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, kw_only=True)
class Documents:
    """The documents of a folder. style: its style sheet's file. forms: where its forms may be sent.

    referrer: what browsers tell of a document's address; with no-referrer they send forms with `Origin: null`.
    """

    folder: Path
    style: str
    forms: str = "'none'"
    referrer: str = "no-referrer"
    filters: Mapping[str, Callable[..., object]] = field(default_factory=dict)

    def render(self, template: str, **values: object) -> str:
        sheet = Markup(self._sheet)  # noqa: S704 - ours, not input
        return self._environment.get_template(template).render(style=sheet, **values)

    @cached_property
    def headers(self) -> dict[str, str]:
        digest = base64.b64encode(hashlib.sha256(self._sheet.encode()).digest()).decode()
        policy = {
            "default-src": "'none'",
            "style-src": f"'sha256-{digest}'",
            "base-uri": "'none'",
            "form-action": self.forms,
            "frame-ancestors": "'none'",
        }
        return {
            **SAFE_HEADERS,
            "Content-Security-Policy": "; ".join(f"{name} {allowed}" for name, allowed in policy.items()),
            "Referrer-Policy": self.referrer,
        }

    @cached_property
    def _sheet(self) -> str:
        return (self.folder / self.style).read_text(encoding="utf-8")

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self.folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(self.filters)
        return environment
