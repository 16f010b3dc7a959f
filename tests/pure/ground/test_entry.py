"""What is asked of every request before its function looks at it."""

import base64
from io import BytesIO
from types import SimpleNamespace

import pytest
from flask import Flask, Request
from werkzeug.exceptions import HTTPException
from werkzeug.test import EnvironBuilder

from shared import entry
from shared.errors import Forbidden, InvalidRequest, TooLarge

APP = "https://app.example/channels"
FOREIGN = [
    "https://app.example.evil",
    "https://app.exampl",
    "https://app.example:8443",
    "http://app.example",
    "https://app.example/",
    "https://APP.example",
    "https://evil/https://app.example",
    "null",
    "",
]


def request(**parts):
    return Request(EnvironBuilder(method="POST", **parts).get_environ())


def from_origin(origin):
    return request(headers={} if origin is None else {"Origin": origin})


@pytest.mark.parametrize("named", [True, False])
def test_the_apps_own_page_may_ask(named):
    entry.require_origin(from_origin("https://app.example"), APP, named=named)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("origin", FOREIGN)
def test_no_other_page_may_ask_however_much_it_resembles_the_apps(origin, named):
    with pytest.raises(Forbidden) as refused:
        entry.require_origin(from_origin(origin), APP, named=named)
    assert refused.value.reason == "crossSite"


def test_a_program_need_not_name_a_page_and_a_form_must():
    entry.require_origin(from_origin(None), APP, named=False)
    with pytest.raises(Forbidden):
        entry.require_origin(from_origin(None), APP, named=True)


class Endless(BytesIO):
    """A body that says nothing of its length; it counts what was read of it."""

    taken = 0

    def read(self, size=-1):
        assert size > 0, "read to an end that never comes"
        self.taken += size
        return b"x" * size


def without_length(body):
    environ = EnvironBuilder(method="POST").get_environ()
    environ.pop("CONTENT_LENGTH", None)
    return Request(environ | {"wsgi.input": body, "wsgi.input_terminated": True})


def test_a_body_without_a_length_is_read_to_the_limit_and_no_further():
    body = Endless()
    with pytest.raises(TooLarge):
        entry.raw_body(without_length(body), limit=1000)
    assert body.taken == 1001


def test_a_body_of_the_greatest_size_is_read_whole():
    assert entry.raw_body(without_length(BytesIO(b"x" * 1000)), limit=1000) == b"x" * 1000
    assert entry.raw_body(request(data=b"x" * 1000), limit=1000) == b"x" * 1000


def test_a_body_that_is_said_to_be_too_large_is_not_read_at_all():
    found = request(data=b"x" * 1001)
    with pytest.raises(TooLarge):
        entry.raw_body(found, limit=1000)
    assert found.stream.read() == b"x" * 1001


@pytest.mark.case("A9")
@pytest.mark.fault(71)
@pytest.mark.parametrize("nested", ["[" * 200_000, '{"a":' * 40_000, "[" * 100_000 + "]" * 100_000])
def test_a_body_nested_without_end_is_refused_like_any_other_that_is_no_json(nested):
    with pytest.raises(InvalidRequest) as refused:
        entry.json_body(request(data=nested.encode()))
    assert refused.value.reason == "bodyUnreadable"
    data = base64.b64encode(nested.encode()).decode()
    with pytest.raises(InvalidRequest) as refused:
        entry.pubsub_message(SimpleNamespace(data={"message": {"data": data}}))
    assert refused.value.reason == "messageUnreadable"


@pytest.mark.fault(69)
def test_of_several_works_all_are_done_whatever_one_raises_and_its_failure_is_not_hidden():
    done = []

    def failing():
        raise Forbidden("No.")

    assert entry.each_done({"a": lambda: 1, "b": lambda: 2}) == {"a": 1, "b": 2}
    with pytest.raises(Forbidden):
        entry.each_done({"a": failing, "b": lambda: done.append("b")})
    assert done == ["b"]


def test_what_is_done_at_the_end_is_done_once_a_request_also_when_that_fails(monkeypatch):
    done = []
    monkeypatch.setattr(entry, "AT_THE_END", [lambda: done.append("end")])
    app = Flask("test")

    @entry.answers_json
    def handler(asked):
        done.append(asked.method)
        raise Forbidden("No.")

    with app.test_request_context():
        assert handler(request()).status_code == 403
        with pytest.raises(HTTPException), entry.logged_failure():
            raise Forbidden("No.")
    assert done == ["POST", "end", "end"]
