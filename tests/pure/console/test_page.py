"""The console's documents: nothing foreign becomes markup or a formula, and all can be read without eyes."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console import parts
from shared.console.alarms import rows as alarms
from shared.console.page import Seen, answer, away, cell, headers, pages, render, trouble
from shared.console.read import Listed
from shared.errors import Unavailable
from shared.monitoring import alerts
from shared.monitoring.alerts import OAUTH_CLIENT, Alert
from tests.pure.console.network import NOW, page, samples

EVIL = "<script>alert('x')</script>\"'<img src=x onerror=alert(1)>\u202e"
SAMPLES = samples()
POISONED = samples(EVIL)


class Document(HTMLParser):
    """What a browser would find: elements in order, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.within: list[str] = []
        self.bare: list[str] = []
        """Texts with a mark of direction that no element keeps to itself."""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "br"}:
            self.within.append(tag)

    def handle_endtag(self, tag):
        assert self.within.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "\u202e" in data and not {"bdi", "code"} & {*self.within}:
            self.bare.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def answered(seen: Seen) -> flask.Response:
    with flask.Flask("console").app_context():
        return answer(seen)


def as_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_every_page_that_is_described_is_built_and_has_a_sample_of_each_section():
    assert parts._PAGES.keys() == pages().keys() == SAMPLES.keys()
    for name, seen in SAMPLES.items():
        assert seen.parts.keys() == {each.key for each in pages()[name].sections}


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    "text",
    [*map(render, POISONED.values()), trouble(Unavailable(EVIL)).get_data(as_text=True)],
    ids=[*POISONED, "trouble"],
)
def test_html_from_outside_stays_text_on_every_page(text):
    document = Document(text)
    assert not document.all("script")
    assert not document.all("img")
    assert not [name for _, attributes in document.elements for name in attributes if name.startswith("on")]


@pytest.mark.fault(50)
@pytest.mark.parametrize("seen", POISONED.values(), ids=POISONED)
def test_a_text_that_turns_the_writing_round_turns_only_itself(seen):
    assert not Document(render(seen)).bare


@pytest.mark.parametrize("seen", POISONED.values(), ids=POISONED)
def test_json_and_html_say_the_same_sections(seen):
    told = answered(Seen(**{**vars(seen), "ask": page("quota", {}, query={"format": "json"}).ask})).get_json()
    assert told.keys() == {"as_of", "page", "problems", *(each.key for each in seen.page.sections)}
    ids = {attributes.get("id") for tag, attributes in Document(render(seen)).elements if tag == "h2"}
    assert ids <= told.keys()


@pytest.mark.fault(50)
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_takes_no_title_for_a_formula(start):
    assert cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"
    assert cell(-3) == -3
    [header, row] = as_csv(
        answered(
            page(
                "videos",
                {"videos": [{"title": f"{start}1", "video_id": "v", "views": -1}]},
                query={"format": "csv"},
            )
        ).get_data(as_text=True)
    )
    told = dict(zip(header, row, strict=True))
    assert (told["title"], told["video_id"], told["views"], told["likes"]) == (f"'{start}1", "v", "-1", "")


@pytest.mark.parametrize(
    ("name", "section"),
    [
        (name, each.key)
        for name, of in pages().items()
        for each in of.sections
        if each.kind in {"table", "lines", "grid"}
    ],
)
def test_every_table_is_csv_with_a_header_and_as_many_cells_in_each_row(name, section):
    seen = samples(query={"format": "csv", "part": section})[name]
    found = answered(seen)
    assert found.mimetype == "text/csv"
    assert found.headers["Content-Disposition"].startswith(f'attachment; filename="{name}-{section}-')
    header, *rows = as_csv(found.get_data(as_text=True))
    assert header
    assert all(len(row) == len(header) for row in rows)


def test_the_policy_allows_this_style_sheet_and_nothing_else():
    policy = headers()["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    for seen in SAMPLES.values():
        assert not [attributes for _, attributes in Document(render(seen)).elements if "style" in attributes]


def test_forms_say_where_they_come_from():
    assert headers()["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("seen", SAMPLES.values(), ids=SAMPLES)
def test_headings_tables_fields_and_charts_are_labelled(seen):
    document = Document(render(seen))
    levels = [int(tag[1]) for tag, _ in document.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(document.all("table")) == len(document.all("caption"))
    assert all(attributes.get("scope") in {"row", "col"} for attributes in document.all("th"))
    assert all("aria-label" in attributes or "aria-labelledby" in attributes for attributes in document.all("svg"))
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = {ref for _, of in document.elements for ref in (of.get("aria-labelledby") or "").split()}
    assert referred <= set(ids)
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in document.elements}
    assert document.all("a")[0] == {"class": "skip", "href": "#main"}
    current = [
        attributes for attributes in document.all("a") if attributes.get("aria-current") in {"page", "true"}
    ]
    assert current


@pytest.mark.parametrize("seen", SAMPLES.values(), ids=SAMPLES)
def test_every_link_within_leads_to_a_page_that_there_is(seen):
    links = {found["href"] or "" for found in Document(render(seen)).all("a")}
    within = {urlsplit(link).path for link in links if link.startswith("/console")}
    assert within <= {"/console", *(f"/console/{name}" for name in pages())}


def test_an_owner_sees_own_pages_and_nothing_that_is_the_operators():
    own = {name for name, each in pages().items() if each.own}
    for name, seen in samples("Tides", user="user-001").items():
        if name in own:
            document = Document(render(seen))
            links = [found["href"] or "" for found in document.all("a")]
            assert not [link for link in links if link.startswith("/console")]
            assert {
                urlsplit(link).path.removeprefix("/mine").lstrip("/") or "overview"
                for link in links
                if link.startswith("/mine")
            } <= own
            assert not document.all("button") or not [
                form for form in document.all("form") if form["method"] == "post"
            ]
            assert "gcloud" not in document.text
            assert not [each for each in seen.sections if each.operators]


def test_what_is_not_well_is_said_first_and_all_well_in_one_sentence():
    text = Document(render(SAMPLES["overview"])).text
    assert text.index("What is not well") < text.index("Figures") < text.index("Quota today")
    well = Document(render(page("overview", {"wrong": []}))).text
    assert "All is well: nothing waits for anybody." in well


def test_several_owners_views_are_not_added_up_unless_it_is_stated_why():
    shown = render(page("overview", {"wrong": [], "views": []}))
    assert "only where the setting YT_AGGREGATION states why" in shown
    assert "<svg" not in shown


def test_a_chart_has_a_title_a_description_and_its_numbers_beside_it():
    document = Document(render(SAMPLES["video"]))
    assert "the numbers are in the table that follows" in document.text
    assert document.all("title")[1:]
    assert document.all("desc")
    assert "1,234,567" in document.text


def test_a_failed_operation_has_its_button():
    document = Document(render(SAMPLES["operations"]))
    [row] = SAMPLES["operations"].parts["failed"].rows
    assert {"method": "post", "action": "/console/retry"} in document.all("form")
    assert {"type": "hidden", "name": "operation", "value": row["id"]} in document.all("input")


def test_a_notice_is_said_by_its_key_only():
    assert "queued again" in render(SAMPLES["operations"], notice="retried")
    assert 'role="status"' not in render(SAMPLES["operations"], notice="You have won")


def test_a_source_that_does_not_answer_is_a_problem_on_the_page_and_a_503_only_for_what_the_page_is_for():
    well = page("overview", {"wrong": []}, problems=("The warehouse cannot be read.",))
    document = Document(render(well))
    assert "The warehouse cannot be read." in document.text
    assert [found["role"] for found in document.all("section") if "role" in found] == ["alert"]
    assert well.code == 200
    assert page("overview", {"figures": {}}, problems=("What is not well cannot be read.",)).code == 503
    told = answered(page("overview", {}, problems=("Away.",), query={"format": "json"}))
    assert (told.status_code, told.get_json()["error"]["code"]) == (503, 503)


def test_every_alert_that_can_fire_has_words_of_its_own_and_one_without_is_shown_all_the_same():
    for key in (OAUTH_CLIENT, *map(alerts.of_api, alerts.APIS)):
        [told] = alarms([Alert(key=key, since=NOW, message="Wrong.")])
        assert told["stops"]
        assert told["code"]
        assert told["done"] == "Operators are told within five minutes."
    [new] = alarms([Alert(key="new", since=NOW, message="Something new.", told=True)])
    assert (new["message"], new["todo"]["text"], new["done"]) == (
        "Something new.", "Read what the log says of new.", "Operators have been told.",
    )  # fmt: skip


@pytest.mark.case("A11")
def test_the_largest_page_stays_small():
    [row] = SAMPLES["channels"].parts["channels"].rows[:1]
    full = page("channels", {"channels": Listed(rows=[row] * 50, next="x")})
    assert len(render(full)) < 80_000
    grid = SAMPLES["coverage"].parts["grid"]
    assert len(render(page("coverage", {"grid": {**grid, "rows": grid["rows"] * 50}}))) < 400_000
    assert len(json.dumps(answered(full).get_data(as_text=True))) < 120_000


def test_the_links_to_the_next_page_and_to_other_formats_keep_what_was_asked_for():
    query = {"state": "connected", "user": "a&b c", "after": "UC0", "notice": "retried"}
    seen = page("channels", {"channels": SAMPLES["channels"].parts["channels"]}, query=query)
    links = [found["href"] or "" for found in Document(render(seen)).all("a")]
    asked = [parse_qs(urlsplit(link).query) for link in links]
    kept = {"state": ["connected"], "user": ["a&b c"]}
    assert {**kept, "after": ["UC1"]} in asked
    assert kept in asked
    assert {**kept, "after": ["UC0"], "format": ["json"]} in asked


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=59), "in 59 min"),
        (timedelta(hours=-47), "47 h ago"),
        (timedelta(days=2), "in 2 days"),
    ],
)
def test_distances_in_time_are_said_in_one_unit(distance, words):
    assert away(NOW + distance, NOW) == words


@given(st.timedeltas(min_value=timedelta(days=-4000), max_value=timedelta(days=4000)))
def test_every_distance_has_words(distance):
    assert away(NOW + distance, NOW)
