"""The console's document: nothing foreign becomes markup, and it is readable without scripts and without eyes."""

from __future__ import annotations

import json
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.channels import Capability, VideosRead
from shared.console.overview import Filter
from shared.console.page import away, headers, render, trouble
from shared.errors import Unavailable
from shared.monitoring import apis
from shared.monitoring.alerts import OAUTH_CLIENT, Alert
from shared.tokens.health import CONNECTED, REAUTH_REQUIRED
from tests.pure.console.network import (
    EVERYTHING,
    NOW,
    channel,
    failed,
    large,
    loan,
    operation,
    refusal,
    seen,
    usage,
)

EVIL = "<script>alert('x')</script>\"'<img src=x onerror=alert(1)>"


class Document(HTMLParser):
    """What a browser would find: elements in order, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def poisoned(only=EVERYTHING):
    """An overview in which everything that others can write is hostile."""
    hostile = channel(
        "UC" + EVIL, title=EVIL, user_id=EVIL, state=EVIL, state_reason=EVIL,
        capabilities={EVIL: Capability(False, EVIL)}, warnings={EVIL: NOW},
    )  # fmt: skip
    lost = channel("UC2", title=EVIL, user_id=EVIL, state=REAUTH_REQUIRED, state_reason=EVIL)
    quota = usage(
        "default", refusals=[refusal(account=EVIL, method=EVIL, reason=EVIL, message=EVIL)],
        loans=[loan(borrower=EVIL, lender=EVIL, method=EVIL, priority=EVIL)],
        by_account={EVIL: {"share": 1, "borrowed": 0, "lent": 0, "spent": 0, "left": 1}},
        closed={"at": NOW, "until": NOW, "reason": EVIL, "used": 1, "drift": 2},
    )  # fmt: skip
    written = {"title": EVIL, "parts": {"snippet": {"title": EVIL}}}
    work = (
        operation(1, id=EVIL, kind=EVIL, work=written, user_id=EVIL, channel_id=EVIL, message=EVIL, reason=EVIL),
        failed(2, id=EVIL, steps=(EVIL,), work=written, message=EVIL, reason=EVIL, results={"video_id": EVIL}),
    )
    return seen(
        only=only, channels=(hostile, lost), usage={"default": quota}, operations=work,
        subscriptions={"UC2": {"state": "denied"}}, problems=(EVIL,),
        alerts=(Alert(key=EVIL, since=NOW, message=EVIL),),
    )  # fmt: skip


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    "text",
    [
        render(poisoned(), operator=EVIL, notice=EVIL),
        render(poisoned(Filter(state=EVIL, user=EVIL)), operator=EVIL),
        trouble(Unavailable(EVIL)),
    ],
    ids=["overview", "filtered", "trouble"],
)
def test_html_from_outside_stays_text_on_every_page(text):
    document = Document(text)
    assert not document.all("script")
    assert not document.all("img")
    assert not [name for _, attributes in document.elements for name in attributes if name.startswith("on")]
    assert EVIL in document.text


def test_the_policy_allows_this_style_sheet_and_nothing_else():
    policy = headers()["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    document = Document(render(large(20)))
    assert not [attributes for _, attributes in document.elements if "style" in attributes]


def test_forms_say_where_they_come_from():
    assert headers()["Referrer-Policy"] == "same-origin"


def test_headings_tables_and_fields_are_labelled():
    document = Document(render(large(20)))
    levels = [int(tag[1]) for tag, _ in document.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(document.all("table")) == len(document.all("caption"))
    assert all(attributes.get("scope") in {"row", "col"} for attributes in document.all("th"))
    assert all("aria-label" in attributes or "aria-labelledby" in attributes for attributes in document.all("svg"))
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = {found["href"].partition("#")[2] for found in document.all("a") if "#" in (found["href"] or "")}
    assert anchors <= set(ids)


def test_an_empty_network_is_a_page_too():
    text = render(seen())
    assert "No channel is connected yet" in text
    assert "No report has been loaded yet" in text
    assert "Nothing waits and nothing has failed" in text
    assert "The quota is not known" in text


def test_while_videos_are_imported_it_says_of_how_many_channels_and_until_when():
    known = tuple(channel(f"UC{number}", videos_read=VideosRead(at=None, videos=2_000)) for number in range(100))
    found = seen(channels=known)
    assert found.as_json()["videos"] == {"unread": 100, "import_ends": "2026-11-26", "days": 5, "overdue": 0}
    assert "100, until about 2026-11-26" in render(found)
    read = VideosRead(at=NOW, videos=2_000)
    assert "Channels to be read" not in render(seen(channels=(channel(videos_read=read),)))


def test_a_failed_operation_has_its_button():
    broken = failed(7)
    document = Document(render(seen(operations=(broken,))))
    assert {"method": "post", "action": "/console/retry"} in document.all("form")
    assert {"type": "hidden", "name": "operation", "value": broken.id} in document.all("input")


def test_what_waits_says_why_and_until_when():
    text = render(seen(channels=(channel(),), operations=(operation(),)))
    assert "Today&#39;s uploads are used up." in text
    assert "23:30</time>" in text
    assert "in 3 h" in text


def test_a_notice_is_said_by_its_key_only():
    assert "queued again" in render(seen(), notice="retried")
    assert 'role="status"' not in render(seen(), notice="You have won")


def test_a_source_that_does_not_answer_is_a_problem_on_the_page():
    document = Document(render(seen(channels=(channel(),), problems=("The warehouse cannot be read.",))))
    assert "The warehouse cannot be read." in document.text
    assert [found["role"] for found in document.all("section") if "role" in found] == ["alert"]


def test_an_alert_says_what_is_wrong_since_when_and_what_to_do_on_the_page_and_in_the_json():
    wrong = "Google refuses our OAuth client (invalid_client)."
    since = NOW - timedelta(hours=3)
    network = seen(channels=(channel(),), alerts=(Alert(key=OAUTH_CLIENT, since=since, message=wrong),))
    document = Document(render(network))
    for text in (wrong, "22\u00a0Nov 17:30", "gcloud secrets versions add youtube-oauth-client"):
        assert text in document.text
    assert [found["role"] for found in document.all("section") if "role" in found] == ["alert"]
    (told,) = network.as_json()["alarms"]
    assert (told["key"], told["message"], told["since"]) == (
        OAUTH_CLIENT,
        wrong,
        since.isoformat(timespec="seconds"),
    )
    assert told["todo"]


def test_every_alert_that_can_fire_has_words_of_its_own():
    for key in (OAUTH_CLIENT, *map(apis.key, apis.APIS)):
        network = seen(alerts=(Alert(key=key, since=NOW, message="Wrong."),))
        (told,) = network.as_json()["alarms"]
        assert told["stops"]
        assert told["code"] in Document(render(network)).text


def test_an_alert_without_words_of_its_own_is_shown_all_the_same():
    assert "Something new." in render(seen(alerts=(Alert(key="new", since=NOW, message="Something new."),)))


@pytest.mark.case("A11")
@pytest.mark.parametrize(("channels", "characters"), [(250, 400_000), (10_000, 600_000)])
def test_the_page_of_a_large_network_stays_small(channels, characters):
    assert len(render(large(channels))) < characters


@pytest.mark.case("A11")
def test_the_json_of_a_large_network_stays_small():
    assert len(json.dumps(large(10_000).as_json())) < 400_000


def test_the_links_to_the_pages_beside_it_keep_the_filter():
    channels = tuple(channel(f"UC{number}", user_id="a&b c") for number in range(250))
    document = Document(render(seen(Filter(state=CONNECTED, user="a&b c", after=100), channels=channels)))
    links = [found["href"] for found in document.all("a") if "after=" in (found["href"] or "")]
    assert [parse_qs(urlsplit(link).query) for link in links] == [
        {"state": [CONNECTED], "user": ["a&b c"], "after": [after]} for after in ("0", "200")
    ]
    assert "101 to 200 of 250 of 250 channels" in document.text


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
