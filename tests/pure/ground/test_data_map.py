"""The data map agrees with itself, and with what Firestore allows."""

from datetime import timedelta

import pytest

from infra.data_map import WORDS
from shared import data_map
from shared.data_map import CHANNELS, COLLECTIONS, RECEIPTS

by_path = pytest.mark.parametrize("each", COLLECTIONS, ids=lambda each: each.path)


def test_a_collection_is_named_once():
    assert len({each.path for each in COLLECTIONS}) == len(COLLECTIONS)
    assert len({each.name for each in COLLECTIONS}) == len(COLLECTIONS)  # TTL policies know no more than names


def test_every_collection_is_told_in_words():
    assert WORDS.keys() == {each.path for each in COLLECTIONS}


def test_tokens_go_first():
    assert data_map.erased()[0] is data_map.GRANTS


def test_receipts_call_each_kind_of_data_by_a_word_of_its_own():
    words = [each.erased_as for each in data_map.erased()]
    assert len(set(words)) == len(words)


@by_path
def test_what_names_a_channel_goes_with_it_except_the_channel_itself_and_the_proof(each):
    if each.channel and each not in (CHANNELS, RECEIPTS):  # the one goes last, the other says what went
        assert each in data_map.erased()


@by_path
def test_what_is_deleted_with_a_channel_can_be_found_by_it_and_leaves_nothing(each):
    if each.erased_as:
        assert each.channel
        assert WORDS[each.path].remains == "nothing"


@by_path
def test_whatever_is_sealed_is_deleted_with_a_channel_or_ends_by_itself(each):
    if each.sealed and not each.erased_as:
        assert each in (data_map.CONSENTS, data_map.REVOCATIONS)  # within minutes, and with Google's answer


@by_path
def test_what_is_kept_for_a_time_expires_by_itself(each):
    if each.keep is not None:
        assert each.ttl


def test_the_map_says_what_the_rooms_do():
    assert data_map.OPERATIONS.keep == timedelta(days=90)


@by_path
def test_what_lies_beneath_another_collection_lies_beneath_one_that_is_known(each):
    if "/" in each.path:
        assert each.path.removesuffix(f"/*/{each.name}") in {other.path for other in COLLECTIONS}
