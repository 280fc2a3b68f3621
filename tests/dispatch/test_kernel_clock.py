"""The kernel says whether it holds the clock."""

from __future__ import annotations

import pytest

from dispatch.kernel_clock import discipline


def test_the_kernel_is_asked_whether_a_time_service_keeps_the_clock() -> None:
    found = discipline()
    if found is None:
        pytest.skip("this kernel lets nobody ask for the state of its clock")
    assert found.max_error_ms >= 0
