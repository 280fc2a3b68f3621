"""Every test of files runs on both databases."""

from __future__ import annotations

import pytest

from tests.dispatch.making import Court


@pytest.fixture(params=["sqlite", "postgresql"])
def court(request: pytest.FixtureRequest) -> Court:
    found: Court = request.getfixturevalue(f"{request.param}_court")
    return found
