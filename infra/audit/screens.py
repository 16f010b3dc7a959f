"""Pictures of every page of a console, found by following its own links."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

from playwright.sync_api import Browser, Page

from infra.audit.pack import TERMS, Screen

MOST = 40
"""Pages of a console; whatever links lead to beyond them is left out."""
_WIDTH, _HEIGHT = 1280, 900
_SECONDS = 30


def taken(browser: Browser, root: str, folder: Path) -> list[Screen]:
    """A picture of each page below `root`, one for each path, in the order in which links lead there.

    Raises RuntimeError for a page that does not answer 200: a pack with a broken page is none.
    """
    context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT}, java_script_enabled=False)
    context.set_default_timeout(_SECONDS * 1000)
    waiting, known, found = deque([root]), {urlsplit(root).path}, list[Screen]()
    page = context.new_page()
    while waiting and len(found) < MOST:
        address = waiting.popleft()
        answer = page.goto(address)
        if answer is None or not answer.ok:
            raise RuntimeError(f"{address} answers {answer.status if answer else 'nothing'}")
        found.append(_picture(page, address, folder))
        for link in _links(page, root):
            if urlsplit(link).path not in known:
                known.add(urlsplit(link).path)
                waiting.append(link)
    context.close()
    return found


def _picture(page: Page, address: str, folder: Path) -> Screen:
    path = urlsplit(address).path
    file = f"{re.sub(r'[^a-z0-9]+', '-', path.lower()).strip('-') or 'page'}.png"
    page.screenshot(path=folder / file, full_page=True)
    attributed = page.locator(f"a[href='{TERMS}']").count() > 0
    return Screen(address=path, title=page.title(), file=file, attributed=attributed)


def _links(page: Page, root: str) -> list[str]:
    """The pages below the root that a page links to, those of its navigation first."""
    hrefs = page.eval_on_selector_all("nav a[href], main a[href], a[href]", "all => all.map(each => each.href)")
    here = urlsplit(root)
    pages = (urlsplit(urljoin(page.url, each)) for each in hrefs)
    return [
        each._replace(fragment="").geturl()
        for each in pages
        if (each.scheme, each.netloc) == (here.scheme, here.netloc)
        and (each.path == here.path or each.path.startswith(f"{here.path}/"))
        and "format" not in parse_qs(each.query)
        and not each.path.endswith("/json")
    ]
