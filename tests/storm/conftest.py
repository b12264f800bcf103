"""Storms are judged by what their workers answer: their coverage is not measured."""

import pytest

from tests.unmeasured import COVERAGE


@pytest.fixture(autouse=True, scope="session")
def unmeasured():
    """Before the first worker is forked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(COVERAGE, raising=False)
        yield
