"""Google's own emulators, as they ship with the Google Cloud CLI, and what they need to start."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from urllib.request import Request, urlopen

from infra.local.process import LOOPBACK, Part, PartFailed, free_port, listens

OLDEST_JAVA = 17
ARCHIVES = Path(__file__).resolve().parents[2] / ".local" / "lib"


class Missing(RuntimeError):
    """Something that this machine needs and lacks; the message says how to get it."""


@cache
def sdk_root() -> Path:
    """Where the Google Cloud CLI is installed. Raises Missing, saying what to install."""
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        raise Missing(
            "The Google Cloud CLI (gcloud) is missing. Install it from https://cloud.google.com/sdk/docs/install, "
            "then: gcloud components install cloud-firestore-emulator pubsub-emulator"
        )
    # `gcloud info` takes a second to say what the launcher's own place says at once.
    for parent in Path(gcloud).resolve().parents:
        if (parent / "platform").is_dir():
            return parent
    answer = subprocess.run(
        [gcloud, "info", "--format=value(installation.sdk_root)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return Path(answer.stdout.strip())


@cache
def java() -> str:
    """The Java launcher. Raises Missing, saying what to install, when there is none or one that is too old."""
    found = shutil.which("java")
    version = _java_version(found) if found else None
    if found is None or version is None or version < OLDEST_JAVA:
        there = f"{found} is Java {version}" if version else "there is none"
        raise Missing(
            f"The Firestore and Pub/Sub emulators need Java {OLDEST_JAVA} or newer, and {there}. "
            f"Debian: apt-get install openjdk-{OLDEST_JAVA}-jre-headless"
        )
    return found


def _java_version(launcher: str) -> int | None:
    """The major version: 17 of 17.0.15, 8 of 1.8.0_392. None when the launcher does not say one."""
    answer = subprocess.run([launcher, "-version"], capture_output=True, text=True, check=False, timeout=60)
    said = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(said[1]) if said else None


def _jar(pattern: str, component: str) -> str:
    jars = sorted((sdk_root() / "platform").glob(pattern))
    if not jars:
        raise Missing(
            f"The {component} is missing. Run: gcloud components install {component} "
            f"(Debian: apt-get install google-cloud-cli-{component})"
        )
    return str(jars[-1])


def _launcher(jar: str) -> list[str]:
    """Java and its options, with the archive of a jar's loaded classes if there is one."""
    archive = _archive(jar)
    shared = [f"-XX:SharedArchiveFile={archive}"] if archive.is_file() else []
    # By itself a heap begins with a 64th of the machine's memory, and is not collected before that is used up.
    return [java(), *shared, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms16m"]


def _archive(jar: str) -> Path:
    """Where the archive is, or would be, of one state of a jar and of Java."""
    about = [(path, os.stat(path).st_size, os.stat(path).st_mtime_ns) for path in (jar, os.path.realpath(java()))]
    return ARCHIVES / f"{Path(jar).stem}-{hashlib.sha256(repr(about).encode()).hexdigest()[:16]}.jsa"


def make_archives() -> None:
    """Have both Java emulators archive what classes they load, once: it halves the CPU of a start.

    Where it does not succeed, they start as they do without.
    """
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ARCHIVES) as folder:
        for make in (firestore, pubsub):
            part, fresh = make(free_port(), Path(folder) / "log"), Path(folder) / "fresh"
            jar = next(each for each in part.command if each.endswith(".jar"))
            if _archive(jar).is_file():
                continue
            part.command = [part.command[0], f"-XX:ArchiveClassesAtExit={fresh}", *part.command[1:]]
            part.start()
            with suppress(PartFailed):
                part.wait_ready()
            part.stop(patience=60)  # it writes as it ends
            if fresh.is_file():
                fresh.rename(_archive(jar))


def firestore(port: int, log: Path) -> Part:
    """The official Firestore emulator, ready when it has answered a real call."""

    def ready() -> bool:
        # An open port is not readiness: deleting an empty project goes through the whole server.
        url = f"http://{LOOPBACK}:{port}/emulator/v1/projects/ready/databases/(default)/documents"
        with urlopen(Request(url, method="DELETE"), timeout=5) as answer:
            return bool(answer.status == 200)

    jar = _jar("cloud-firestore-emulator/cloud-firestore-emulator.jar", "cloud-firestore-emulator")
    command = [
        *_launcher(jar),
        "-Xmx384m",
        "-Duser.language=en",
        "-cp",
        jar,
        "com.google.cloud.datastore.emulator.firestore.CloudFirestore",
        "start",
        f"--host={LOOPBACK}",
        f"--port={port}",
    ]
    return Part(name="firestore", command=command, log=log, ready=ready)


@contextmanager
def firestore_running() -> Iterator[str]:
    """A Firestore emulator's host:port, while the block lasts."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="firestore-") as folder,
        firestore(port, Path(folder) / "log").running(),
    ):
        yield f"{LOOPBACK}:{port}"


@contextmanager
def pubsub_running() -> Iterator[str]:
    """A Pub/Sub emulator's host:port, while the block lasts."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pubsub-") as folder, pubsub(port, Path(folder) / "log").running():
        yield f"{LOOPBACK}:{port}"


def pubsub(port: int, log: Path) -> Part:
    """The official Pub/Sub emulator."""
    jar = _jar("pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar", "pubsub-emulator")
    command = [
        *_launcher(jar),
        "-Xmx192m",
        "-jar",
        jar,
        f"--host={LOOPBACK}",
        f"--port={port}",
    ]
    return Part(name="pubsub", command=command, log=log, ready=lambda: listens(port))


BIGQUERY_ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-bigquery"


def bigquery(port: int, grpc_port: int, project: str, log: Path, *, data: Path | None = None) -> Part:
    """The BigQuery emulator (PyPI bqemulator, DuckDB inside), in the environment that `make` sets up for it.

    data: a folder to keep its data in; in memory without one.
    """
    python = BIGQUERY_ENVIRONMENT / "bin" / "python"
    if not (BIGQUERY_ENVIRONMENT / "bin" / "bqemulator").exists():
        raise Missing("The BigQuery emulator is not set up. Run: make setup-stack")

    def ready() -> bool:
        url = f"http://{LOOPBACK}:{port}/bigquery/v2/projects/{project}/datasets"
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)

    command = [str(python), str(Path(__file__).with_name("quick_bigquery.py")), "start"]
    ports = ["--rest-port", str(port), "--grpc-port", str(grpc_port)]
    place = ["--ephemeral"] if data is None else ["--persistent", "--data-dir", str(data)]
    return Part(name="bigquery", command=[*command, *ports, *place, "--project", project], log=log, ready=ready)
