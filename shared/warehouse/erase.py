"""Deletes a disconnected channel's rows from every table."""

from __future__ import annotations

from shared.warehouse.report_types import REPORT_TYPES
from shared.warehouse.schema import MANIFEST
from shared.warehouse.statements import ERASE, Warehouse, run


def erase_rows(warehouse: Warehouse, channel_id: str, *, before: str) -> int:
    """Delete a channel's rows of loads with an id below `before`; answers how many reports the manifest named.

    The manifest goes first, which takes the rows out of sight at once; rows that no manifest ever named go too.
    Safe to repeat: a run that died in between is finished by the next.
    """
    erased = _delete(warehouse, MANIFEST, channel_id, before)
    for report_type in REPORT_TYPES.values():
        _delete(warehouse, report_type.table, channel_id, before)
    return erased


def _delete(warehouse: Warehouse, table: str, channel_id: str, before: str) -> int:
    answer = run(warehouse, ERASE, table=table, channel=channel_id, before=before)
    return answer.num_dml_affected_rows or 0
