"""What every test may ask for. Emulators start once a session, on free ports, and end with it."""

from __future__ import annotations

import signal
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from infra.faults.recording import pytest_addoption, pytest_configure, pytest_itemcollected  # noqa: F401
from infra.local import emulators
from infra.local import made_warehouse as kept_warehouse
from infra.local.cloud_emulator.part import cloud_emulator as cloud_emulator_part
from infra.local.process import LOOPBACK, free_port
from tests.stands import lasting

# How long an example takes is the machine's affair; what it shows is the test's.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# For a quick look, and for a second run under another Python, whose differences more examples seldom show.
settings.register_profile("few", settings.get_profile("untimed"), max_examples=20)

# Whoever ends a run with `timeout` or `kill` finds nothing left of it, as after Ctrl-C.
signal.signal(signal.SIGTERM, signal.default_int_handler)

MADE = "made"  # the dataset of the tests' BigQuery emulator
LAYERS = ("pure", "infrastructure", "emulators", "browser", "end_to_end")
LONG = {
    "test_judged.py",
    "test_protocol_histories.py",
    "test_rehearsal.py",
    "test_forty_days.py",
}  # a worker's half minute
ONE_STACK = {"stack", "youtube", "interface", "test_smoke.py"}  # ask for the stack of tests/end_to_end/conftest.py
OF_FILES = {"simulator", "commands"}  # rooms whose tests share no stack


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fast tests first: what is plainly broken says so within seconds.

    Under `-n` it is the other way round, and long files come before others of their layer: whole stacks start and
    are waited for while others work, and no worker is left alone with something long.
    """
    here, many = Path(__file__).parent, hasattr(config, "workerinput")

    def order(item: pytest.Item) -> tuple[int, bool]:
        layer = LAYERS.index(item.path.relative_to(here).parts[0])
        return (-layer, item.path.name not in LONG) if many else (layer, False)

    items.sort(key=order)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under `-n`, the worker that starts a stack or an emulator runs all tests that share it."""
    from xdist.scheduler import LoadScopeScheduling

    class ByStand(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return stand_of(nodeid.partition("::")[0])

    config.option.loadscopereorder = False
    return ByStand(config, log)


def stand_of(path: str) -> str:
    """What a file's tests stand on, by the file's path: its room's stack, or something of the file's own."""
    layer, room, file = Path(path).parts[1], Path(path).parts[2], Path(path).name
    if layer not in {"end_to_end", "browser"}:
        return path
    if ONE_STACK & {room, file}:
        return "one stack"
    return path if room in OF_FILES else room


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """What lasts as long as a stand's tests ends with the last of them."""
    try:
        return (yield)
    finally:
        here, there = (each and stand_of(each.nodeid.partition("::")[0]) for each in (item, nextitem))
        if here != there:
            lasting.end()


def pytest_sessionfinish() -> None:
    """It ends also with a session that stops at a failure or is interrupted."""
    lasting.end()


@pytest.fixture(scope="session")
def firestore_emulator() -> Iterator[str]:
    """The Firestore emulator's host:port."""
    with emulators.firestore_running() as host:
        yield host


@pytest.fixture
def firestore_client(firestore_emulator: str, monkeypatch: pytest.MonkeyPatch):
    """A Firestore client on a project of its own, so that tests do not meet."""
    from google.cloud import firestore

    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_emulator)
    return firestore.Client(project=f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A folder for logs and files of parts that a test starts."""
    return tmp_path


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The BigQuery emulator's host:port, with a warehouse made in it."""
    port, folder = free_port(), tmp_path_factory.mktemp("bigquery")
    kept_warehouse.copied(folder / "data", project="test", dataset=MADE, aggregation="one-content-owner")
    with emulators.bigquery(port, free_port(), "test", folder / "log", data=folder / "data").running():
        yield f"{LOOPBACK}:{port}"


@pytest.fixture(scope="session")
def bigquery_client(bigquery_emulator: str):
    """A BigQuery client; a test takes a dataset name of its own, so that tests do not meet."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    return bigquery.Client(
        project="test",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://{bigquery_emulator}"),
    )


@pytest.fixture(scope="session")
def made_warehouse(bigquery_client: Any):
    """A dataset with every table and view."""
    from shared.warehouse.statements import Warehouse

    return Warehouse(bigquery_client, MADE)


@pytest.fixture
def warehouse(made_warehouse: Any):
    """A warehouse without a row."""
    from tests.stands.warehouses import empty

    yield made_warehouse
    empty(made_warehouse)


@pytest.fixture(scope="session")
def spoken():
    """GoogleSQL with every view over the declared tables, and what is wrong with them: seconds, once a worker."""
    from infra.judges.warehouse import SPOKEN, judge

    return judge(SPOKEN)


@pytest.fixture
def dataset() -> str:
    """A dataset name that no other test uses."""
    return f"test_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def fresh_process() -> Iterator[None]:
    """Settings, clients and services as in a process that has built nothing yet; what it builds is forgotten."""
    _forget_what_is_built()
    yield
    _forget_what_is_built()


def _forget_what_is_built() -> None:
    for name, module in list(sys.modules.items()):
        if name == "shared.settings" or name.startswith(("shared.wiring.", "shared.cloud.")):
            for built in vars(module).values():
                if hasattr(built, "cache_clear"):
                    built.cache_clear()


@dataclass(frozen=True)
class CloudEmulator:
    """The Cloud Tasks and Secret Manager emulator of this session: project "test", region "us-central1"."""

    address: str  # gRPC, host:port
    control: str  # http://host:port
    identity_key: Path  # signs the tasks' OIDC tokens


@pytest.fixture(scope="session")
def cloud_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudEmulator]:
    """The running emulator with its control endpoint and its key."""
    folder = tmp_path_factory.mktemp("cloud-emulator")
    port, http_port = free_port(), free_port()
    part = cloud_emulator_part(
        port=port,
        http_port=http_port,
        project="test",
        region="us-central1",
        identity_key=folder / "identity.pem",
        log=folder / "log",
    )
    with part.running():
        yield CloudEmulator(f"{LOOPBACK}:{port}", f"http://{LOOPBACK}:{http_port}", folder / "identity.pem")


@pytest.fixture(scope="session")
def cloud_emulator(cloud_parts: CloudEmulator) -> str:
    """The emulator's gRPC host:port, for CLOUD_TASKS_EMULATOR_HOST and SECRET_MANAGER_EMULATOR_HOST."""
    return cloud_parts.address


@pytest.fixture
def tasks_client(cloud_emulator: str, monkeypatch: pytest.MonkeyPatch):
    """Cloud Tasks' client as production code builds it, and gets it during this test."""
    from shared.cloud import queues

    monkeypatch.setenv("CLOUD_TASKS_EMULATOR_HOST", cloud_emulator)
    queues.client.cache_clear()
    yield queues.client()
    queues.client.cache_clear()


@pytest.fixture
def secrets_client(cloud_emulator: str, monkeypatch: pytest.MonkeyPatch):
    """Secret Manager's client as production code builds it, and gets it during this test."""
    from shared.cloud.calls import secret_manager

    monkeypatch.setenv("SECRET_MANAGER_EMULATOR_HOST", cloud_emulator)
    secret_manager.cache_clear()
    yield secret_manager()
    secret_manager.cache_clear()
