"""What is counted of the open conferences: by kind and stage, what is private, what is waited for, and nothing of what is over."""

from __future__ import annotations

from prometheus_client import REGISTRY

from tests.rooms.courthouse import Courthouse, until
from tests.rooms.walking import Walk


def told(family: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(family, labels) or 0.0


async def test_a_sitting_is_counted_where_it_is_and_no_longer_where_it_was(house: Courthouse) -> None:
    walk = await Walk.begun(house, "public_hearing")
    court = {"kind": "public_hearing"}
    await walk.to("questions")
    await until(lambda: told("rooms_sittings", stage="questions", **court) == 1)
    before = told("rooms_stage_seconds_total", stage="discussion", **court)
    await walk.go("discussion")
    await until(lambda: told("rooms_sittings", stage="discussion", **court) == 1)
    assert told("rooms_sittings", stage="questions", **court) == 0
    await until(lambda: told("rooms_private_phases", phase="stage") == 1)
    await until(lambda: told("rooms_sittings_waiting_for", missing="opinions_missing") == 1)
    await until(lambda: told("rooms_stage_seconds_total", stage="discussion", **court) > before)


async def test_a_hub_that_is_closed_counts_nothing_any_more(house: Courthouse) -> None:
    await Walk.begun(house, "public_hearing")
    await until(lambda: told("rooms_sittings", kind="public_hearing", stage="waiting") == 1)
    await house.hub.close()
    assert told("rooms_sittings", kind="public_hearing", stage="waiting") == 0
    assert told("rooms_conferences") == 0
