"""Which report types are collected: those of the settings, of a family the newest YouTube offers (`offers`)."""

from __future__ import annotations

from shared.cloud.calls import call_options
from shared.cloud.firestore import Client
from shared.data_map import REPORT_TYPES
from shared.settings import Settings
from shared.warehouse.report_types import FAMILIES, PROFILES, newest

OFFERED = f"{REPORT_TYPES.path}/offered"


def report_types(client: Client, settings: Settings) -> tuple[str, ...]:
    """The report types to collect, the most valuable first. Firestore is asked only where we know versions."""
    chosen = settings.report_types or PROFILES[settings.report_profile]
    if all(len(FAMILIES.get(each, ())) < 2 for each in chosen):
        return newest(chosen, ())
    stored = client.document(OFFERED).get(**call_options()).to_dict()
    return newest(chosen, stored["ids"] if stored else ())
