"""A small network in a running stack's Firestore, written through production code wherever there is some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.firestore import Client

from infra.local.stack import Stack
from shared.channels import CHANNELS, Capability, Channel
from shared.data_map import HEARTBEATS
from shared.errors import QuotaRefused
from shared.publishing.operation import Operation, Operations, State
from shared.quota.ledger import Ledger
from shared.quota.profile import Priority, adjusted, load
from shared.tokens.health import CONNECTED, REAUTH_REQUIRED
from shared.warehouse.load import Load
from shared.warehouse.manifest import publish
from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.rows import ReportRef
from shared.warehouse.statements import Warehouse
from shared.watch.conditions import WATCH

EVIL = "<script>document.title='taken'</script><b>Tides</b>"
SETTINGS = {"YT_QUOTA_LIMITS": "search=3", "YT_REPORT_TYPES": "channel_basic_a3"}
FAILED, WAITING = "op-" + "a" * 24, "op-" + "b" * 24


def connect(client: Client, stack: Stack, channel_id: str, **fields: Any) -> None:
    """Store a connected channel as the consent leaves it."""
    now = stack.now()
    stored = Channel(
        channel_id=channel_id,
        user_id="user-001",
        title="A channel",
        state=CONNECTED,
        state_since=now,
        connected_at=now,
        synced_at=now,
        capabilities={"analytics": Capability(True, "granted")},
    )
    client.document("channels", channel_id).set(CHANNELS.fields(replace(stored, **fields)))


def fill(client: Client, stack: Stack) -> None:
    """Three channels; a loan, a refusal and a closing; one write that waits and one that failed."""
    now = stack.now()
    capabilities = {"analytics": Capability(True, "granted"), "revenue": Capability(False, "unticked")}
    connect(client, stack, "UC-evil", title=EVIL)
    connect(client, stack, "UC-unticked", title="Salt", user_id="user-002", capabilities=capabilities)
    dead = {"state": REAUTH_REQUIRED, "state_reason": "invalidGrant"}
    connect(client, stack, "UC-lost", title="Foam", user_id="user-002", **dead)
    for channel, fields in {
        "UC-evil": {
            "state": "active",
            "lease_until": now + timedelta(days=2),
            "refused": 2,
            "last_notification": now,
        },
        "UC-unticked": {"state": "active", "lease_until": now - timedelta(hours=1)},
    }.items():
        client.document("subscriptions", channel).set(fields)
    spend(Ledger(client, adjusted(load("current"), limits=(SETTINGS["YT_QUOTA_LIMITS"],)), stack.now))
    store(client, operations(stack))
    client.document(HEARTBEATS.path, WATCH.key).set({"at": now})


def spend(ledger: Ledger) -> None:
    """Three thumbnails, which is more than one user's share; every search there is and one more; a closing."""
    for number in range(3):
        reserved = ledger.reserve(
            method="youtube.thumbnails.set", account="user-001", operation_id=f"thumbnail-{number}"
        )
        ledger.settle(reserved, sent=True)
    search: dict[str, Any] = {
        "method": "youtube.search.list",
        "account": "user-002",
        "priority": Priority.HIGH,
    }  # somebody waits
    for _ in range(4):
        try:
            ledger.settle(ledger.reserve(**search), sent=True)
        except QuotaRefused:
            break
    ledger.close_bucket("uploads", reason="quotaExceeded")


def load_reports(stack: Stack, first: date, views: Sequence[int], channels: Iterable[str]) -> None:
    """Load one report for each of some days and channels into the stack's warehouse."""
    client = bigquery.Client(
        project=stack.env["GOOGLE_CLOUD_PROJECT"],
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://{stack.env['BIGQUERY_EMULATOR_HOST']}"),
    )
    basic = REPORT_TYPES["channel_basic_a3"]
    warehouse = Warehouse(client, "youtube")
    begun = Load(warehouse, basic, stack.now)
    begun.open()
    for channel in channels:
        for number, count in enumerate(views):
            day = first + timedelta(days=number)
            ref = ReportRef(
                report_id=f"{channel}-{day}", channel_id=channel, report_type=basic.id, job_id="job", day=day,
                create_time=stack.now(), download_url="https://example.test/report",
            )  # fmt: skip
            row = {
                "date": day.strftime("%Y%m%d"),
                "channel_id": channel,
                "views": count,
                "engaged_views": count // 2,
            }
            header = ",".join(basic.columns) + "\n"
            line = ",".join(str(row.get(name, "")) for name in basic.columns) + "\n"
            file = begun.file(ref, "c" * 24, stack.now() + timedelta(minutes=1))
            file.write((header + line).encode())
            file.finish()
    publish(warehouse, [begun.close()], stack.now)


def operations(stack: Stack) -> tuple[Operation, ...]:
    """One that waits for tomorrow's quota, and one that failed."""
    now = stack.now()
    common: dict[str, Any] = {
        "fingerprint": "f", "channel_id": "UC-evil", "user_id": "user-001", "kind": "upload",
        "steps": ("transfer", "processing"), "created_at": now, "updated_at": now,
    }  # fmt: skip
    return (
        Operation(
            id=WAITING, work={"parts": {"snippet": {"title": "Spring tide"}}}, state=State.WAITING,
            due_at=now + timedelta(hours=5), reason="bucketSpent", message="Today's uploads are used up.",
            **common,
        ),
        Operation(
            id=FAILED, work={"parts": {"snippet": {"title": EVIL}}}, state=State.FAILED, due_at=None,
            reason="sourceGone", message=f"The source is gone: {EVIL}", **common,
        ),
    )  # fmt: skip


def store(client: Client, wanted: Iterable[Operation]) -> None:
    """Put operations back to how they were, whatever a test has done with them."""
    for operation in wanted:
        client.document("operations", operation.id).delete()
        Operations(client).create(operation)
