"""Erasing: a disconnected channel's rows leave every table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cloud.bigquery import ask
from shared.warehouse.families import FAMILIES
from shared.warehouse.schema import MANIFEST

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def erase_rows(client: Client, dataset: str, channel_id: str, *, before: str) -> int:
    """Delete a channel's rows of loads with an id below `before`; answers how many reports the manifest named.

    The manifest goes first, which takes the rows out of sight at once; rows that no manifest ever named go too.
    Safe to repeat: a run that died in between is finished by the next.
    """
    erased = _delete(client, f"{client.project}.{dataset}.{MANIFEST}", channel_id, before)
    for family in FAMILIES.values():
        _delete(client, f"{client.project}.{dataset}.{family.table}", channel_id, before)
    return erased


def _delete(client: Client, table: str, channel_id: str, before: str) -> int:
    from google.cloud import bigquery  # noqa: PLC0415 - paid by those who use it

    answer = ask(
        client,
        f"DELETE FROM `{table}` WHERE channel_id = @channel AND load_id < @before",
        bigquery.ScalarQueryParameter("channel", "STRING", channel_id),
        bigquery.ScalarQueryParameter("before", "STRING", before),
    )
    return answer.num_dml_affected_rows or 0
