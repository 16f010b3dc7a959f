"""What the tests of the warehouse's SQL share: every view, analysed once a worker."""

from __future__ import annotations

import pytest

from infra.judges.warehouse import SPOKEN, judge


@pytest.fixture(scope="session")
def spoken():
    """GoogleSQL with every view over the declared tables, and what is wrong with them."""
    return judge(SPOKEN)
