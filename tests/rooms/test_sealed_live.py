"""Opinions and votes on a real server: nobody who has the disk reads them before they are opened, and they outlive the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rooms.fold import fold
from rooms.log import GENESIS, Event, chain
from tests.rooms.court import court
from tests.rooms.courthouse import Courthouse
from tests.rooms.walking import Walk

OFFICERS = ("first", "second", "third")
TEXTS = {officer: f"同意拟不起诉，理由之{officer}" for officer in OFFICERS}


def on_disk(folder: Path, text: str) -> list[str]:
    """The files below `folder` in which a text stands as it is, or as JSON escapes it."""
    wanted = (text.encode(), text.encode("unicode-escape"))
    return [path.name for path in folder.rglob("*") if path.is_file() and any(w in path.read_bytes() for w in wanted)]


async def test_nobody_who_has_the_disk_the_rows_or_another_page_reads_an_opinion_before_all_are_in(house: Courthouse) -> None:
    walk = await Walk.begun(house, "public_hearing")
    await walk.to("discussion")
    for officer in OFFICERS:
        await walk.pages[officer].send("opinion", text=TEXTS[officer], final=True)
        await walk.pages[officer].sees(lambda view: view["opinions"]["mine_final"])
    rows = await house.hub.rows("sitting")
    told = [str(message) for who, page in walk.pages.items() for message in page.heard if who not in OFFICERS]
    for officer, text in TEXTS.items():
        assert on_disk(house.folder, text) == []
        assert not any(text in line for line in (*told, *(row.line() for row in rows)))
        assert not any(text in str(walk.pages[other].heard) for other in OFFICERS if other != officer)
        assert walk.pages[officer].view["opinions"]["mine"] == text

    await walk.go("opinions")
    rows = await house.hub.rows("sitting")
    opened = next(row for row in rows if row.type == "opinions_opened")
    given = {row.data["participant"]: row.data["digest"] for row in rows if row.type == "opinion_given"}
    assert {o["participant"]: (o["text"], o["digest"]) for o in opened.data["opinions"]} == {o: (TEXTS[o], given[o]) for o in OFFICERS}
    await walk.pages["gallery"].sees(lambda view: {o["participant"]: o["text"] for o in view["opinions"]["opened"]} == TEXTS)


async def test_opinions_that_were_sealed_by_one_server_are_opened_by_the_next(house: Courthouse) -> None:
    """The first one is gone without a word, and the next has nothing but the files and the key."""
    walk = await Walk.begun(house, "public_hearing")
    await walk.to("discussion")
    for officer in OFFICERS[:2]:
        await walk.pages[officer].send("opinion", text=TEXTS[officer], final=True)
        await walk.pages[officer].sees(lambda view: view["opinions"]["mine_final"])
    await walk.pages["third"].send("opinion", text="还没有想好", final=False)
    await walk.pages["third"].sees(lambda view: view["opinions"]["mine"] == "还没有想好")
    successor = await house.successor().start()
    pages = {who: await successor.enter(who) for who in walk.pages}
    assert {officer: pages[officer].view["opinions"]["mine"] for officer in OFFICERS} == {**TEXTS, "third": "还没有想好"}
    await pages["third"].send("opinion", text=TEXTS["third"], final=True)
    await Walk(successor, "public_hearing", pages).go("opinions")
    await pages["zhang"].sees(lambda view: {o["participant"]: o["text"] for o in view["opinions"]["opened"]} == TEXTS)
    rows = await successor.hub.rows("sitting")
    previous = GENESIS
    for row in rows:
        assert row == chain("sitting", row.epoch, row.seq, previous, Event(row.type, row.at_us, row.data))
        previous = row.hash
    assert fold(rows) == successor.state()
    await successor.close()


async def test_what_a_panel_writes_and_asks_behind_closed_doors_is_read_by_its_members_and_by_nobody_who_has_the_disk(
    house: Courthouse,
) -> None:
    written, asked = "我倾向于支持原告", "是否支持第二项请求"
    walk = await Walk.begun(house, "remote_court")
    await walk.to("deliberation")
    await walk.pages["panel"].send("write", to="all", text=written)
    await walk.chair.send("put_question", text=asked)

    def reads(view: dict[str, Any]) -> bool:
        return [m["text"] for m in view["messages"]] == [written] and [q["text"] for q in view["questions"]] == [asked]

    for who in ("judge", "panel"):
        await walk.pages[who].sees(reads)
    others = [str(page.heard) for who, page in walk.pages.items() if who not in {"judge", "panel"}]
    assert not any(text in told for told in others for text in (written, asked))
    rows = await house.hub.rows("sitting")
    for kind, text in (("message_sent", written), ("question_put", asked)):
        (row,) = [row for row in rows if row.type == kind]
        assert "text" not in row.data
        assert len(row.data["digest"]) == 64
        assert on_disk(house.folder, text) == []
    successor = await house.successor().start()
    for who in ("judge", "panel"):
        page = await successor.enter(who)
        await page.sees(reads)
    assert fold(await successor.hub.rows("sitting")) == successor.state()
    await successor.close()


async def test_what_a_lawyer_writes_to_his_client_in_a_consultation_is_sealed_and_what_is_written_to_all_is_not(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("investigation")
    await walk.chair.send("write", to="all", text="现在开始法庭调查")
    await walk.chair.send("consult", participants=["zhang", "lawyer"])
    await walk.pages["lawyer"].sees(lambda view: view["private"])
    await walk.pages["lawyer"].send("write", to="all", text="不要提那份合同")
    await walk.pages["zhang"].sees(lambda view: "不要提那份合同" in [m["text"] for m in view["messages"]])
    assert on_disk(house.folder, "不要提那份合同") == []
    assert on_disk(house.folder, "现在开始法庭调查") != []


def test_a_log_of_before_that_has_the_words_as_they_are_is_read() -> None:
    sitting = court("judge", "panel", stage="deliberation")
    old = {"message": "1", "by": {"participant": "panel"}, "to": "all", "readers": ["judge", "panel"], "observed": False, "private": True}
    sitting.log.append(Event("message_sent", sitting.now_us, {**old, "text": "旧的", "notice": False}))
    sitting.log.append(Event("question_put", sitting.now_us, {"question": "1", "text": "旧问题", "private": True, "by": {}}))
    state = fold(sitting.log)
    assert state is not None
    assert (state.messages[0].text, state.questions["1"].text) == ("旧的", "旧问题")


async def test_how_a_panel_voted_is_on_the_disk_only_when_the_question_is_closed(house: Courthouse) -> None:
    walk = await Walk.begun(house, "remote_court")
    await walk.to("deliberation")
    await walk.chair.send("put_question", text="支持原告的请求")
    for who in ("judge", "panel"):
        await walk.pages[who].sees(lambda view: view["questions"] and view["questions"][0]["may_vote"])
        await walk.pages[who].send("vote", question="1", choice="against", dissent="证据不足以支持")
        await walk.pages[who].sees(lambda view: view["questions"][0]["mine"] == "against")
    assert on_disk(house.folder, "证据不足以支持") == []
    successor = await house.successor().start()
    pages = {who: await successor.enter(who) for who in walk.pages}
    await pages["judge"].send("close_question", question="1")
    closed = await successor.logged("question_closed")
    votes = {v["participant"]: (v["choice"], v["dissent"]) for v in closed.data["votes"]}
    assert votes == dict.fromkeys(("judge", "panel"), ("against", "证据不足以支持"))
    assert pages["clerk"].view["questions"] == []
    await successor.close()
