"""The command centre in each kind and stage, by the server's own interface: where it may not watch it sees nothing and gets nothing,
whether it was there before or comes just then."""

from __future__ import annotations

import pytest

from rooms.procedure import PROCEDURES
from tests.rooms.courthouse import Courthouse, Page
from tests.rooms.making import observer
from tests.rooms.walking import Walk

WATCHER = observer(endpoint="e-watcher")


def stages_of(kind: str) -> list[str]:
    """The stages in the order of the procedure, from the one after the first to the one before the last; pauses left out."""
    procedure = PROCEDURES[kind]
    return [name for name, stage in procedure.stages.items() if name not in (procedure.first, procedure.last) and not stage.pause]


async def watches(house: Courthouse, officer: Page, ident: str, watched: bool) -> None:
    """Page and router agree that this officer watches, or does not."""
    await officer.sees(lambda view: view["place"] == "observing" and view["rights"]["see"] == watched)
    await house.routed(lambda routing: (ident in routing.watch) == watched)
    if not watched:
        assert (officer.view["participants"], officer.view["messages"]) == ([], [])


@pytest.mark.parametrize("kind", PROCEDURES)
async def test_who_watches_is_cut_off_by_the_stage_and_who_comes_then_gets_nothing(house: Courthouse, kind: str) -> None:
    walk = await Walk.begun(house, kind)
    officer = await house.enter(WATCHER) if PROCEDURES[kind].stages[house.state().stage].observable else None
    seen = set[bool]()
    for number, stage in enumerate(stages_of(kind)):
        if stage not in PROCEDURES[kind].changes[house.state().stage]:
            continue
        await walk.go(stage)
        for who, role in walk.roles.items():
            if PROCEDURES[kind].rights_of(role, stage, who == "judge").speak:
                await walk.pages[who].send("source", source="microphone", on=True)
        about = PROCEDURES[kind].stages[stage]
        allowed = about.observable and not about.private
        seen.add(allowed)
        if officer is not None:
            await watches(house, officer, WATCHER.endpoint, allowed)
        who_comes = observer("指挥员 钱", f"e-late-{number}")
        if not allowed:
            late = await house.connect(who_comes)
            await late.send("hello")
            assert await late.sent_away() == (4403, "private")
        else:
            late = await house.enter(who_comes)
            await watches(house, late, f"e-late-{number}", True)
            await late.send("leave")
    assert seen == {"round_table": {False}, "petition_intake": {True}, "remote_interrogation": {True}}.get(kind, {True, False})


async def test_a_consultation_ends_the_watch_at_once_and_gives_it_back(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("investigation")
    officer = await house.enter(WATCHER)
    await walk.chair.send("source", source="microphone", on=True)
    await watches(house, officer, WATCHER.endpoint, True)
    await walk.chair.send("consult", participants=["zhang", "lawyer"])
    await watches(house, officer, WATCHER.endpoint, False)
    (talk,) = house.state().consults
    await walk.chair.send("end_consult", consult=talk)
    await watches(house, officer, WATCHER.endpoint, True)
