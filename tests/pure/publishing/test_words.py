"""Every way in which YouTube can end a video's processing has a sentence for a person."""

import json

import pytest
from googleapiclient.discovery_cache import get_static_doc

from infra.local.simulator.uploads.processing import FAILURES, REJECTIONS
from shared.youtube.policy import policy

STATUS = json.loads(get_static_doc("youtube", "v3"))["schemas"]["VideoStatus"]["properties"]


@pytest.mark.parametrize(
    ("word", "sentences", "planned"),
    [("failureReason", policy().failures, FAILURES), ("rejectionReason", policy().rejections, REJECTIONS)],
)
def test_every_reason_of_the_discovery_document_has_words_of_its_own(word, sentences, planned):
    assert sentences.keys() == set(STATUS[word]["enum"])
    assert set(planned) == sentences.keys()
    assert len(set(sentences.values())) == len(sentences)
    assert all(says.endswith(".") for says in sentences.values())
