"""Errors of private phases, opinions and votes, brought about over real WebSockets; the test is in test_protocol_codes.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from rooms.commands import Disappear
from rooms.procedure import PROCEDURES
from rooms.sealing import Sealing
from rooms.votes import QUESTIONS_KEPT
from tests.rooms.court import COURT
from tests.rooms.courthouse import Courthouse, Page
from tests.rooms.making import make_plan, room_ticket, ticket
from tests.rooms.test_five_kinds import PEOPLE


async def among(house: Courthouse, *people: str) -> dict[str, Page]:
    """Judge, lawyer and these, in a court by the ordinary procedure."""
    return await house.gathered("lawyer", *people, people=COURT, procedure=PROCEDURES["remote_court"].text)


async def consult_not_provided(house: Courthouse) -> str:
    return await (await among(house, "li"))["judge"].refused("consult", participants=["judge", "li"])


async def consults_already(house: Courthouse) -> str:
    judge = (await among(house, "zhang", "li"))["judge"]
    await judge.send("consult", participants=["zhang", "lawyer"])
    await judge.sees(lambda view: view["consults"])
    return await judge.refused("consult", participants=["li", "lawyer"])


async def consult_overheard(house: Courthouse) -> str:
    judge = (await among(house))["judge"]
    for someone in ("zhang", "li"):
        await house.hub.consent("sitting", someone, version="1", text_sha256="ab" * 32, device="第一法庭主机")
        await house.hub.sit_down("sitting", someone, endpoint="room", device="第一法庭主机")
    page = await house.enter(room_ticket())
    await judge.send("admit")
    await page.sees(lambda view: view["place"] == "inside")
    return await judge.refused("consult", participants=["zhang", "lawyer"])


async def consult_unknown(house: Courthouse) -> str:
    return await (await among(house))["judge"].refused("end_consult", consult="1")


async def not_called(house: Courthouse) -> str:
    return await (await among(house))["lawyer"].refused("answer_centre", on=True)


async def no_private_phase(house: Courthouse) -> str:
    return await (await among(house))["lawyer"].refused("step", out=True)


async def sitting_of(house: Courthouse, kind: str, *people: str, stages: tuple[str, ...], needs: str = "") -> dict[str, Page]:
    """These are inside, and the chair (first) has gone through these stages; nothing has to be there first but `needs`."""
    text = "\n".join(line for line in PROCEDURES[kind].text.splitlines() if "needs:" not in line or (needs and needs in line))
    await house.hub.open(make_plan(kind=kind, people=PEOPLE[kind], procedure=text))
    pages = {who: await house.enter(who) for who in people}
    await pages[people[0]].send("admit")
    for page in pages.values():
        await page.sees(lambda view: view["place"] == "inside")
    for stage in stages:
        await pages[people[0]].send("stage", to=stage)
        await pages[people[0]].sees(partial(_is_at, stage))
    return pages


def _is_at(stage: str, view: dict[str, Any]) -> bool:
    return bool(view["sitting"]["stage"] == stage)


def _has_questions(number: int, view: dict[str, Any]) -> bool:
    return len(view["questions"]) == number


async def discussion(house: Courthouse) -> dict[str, Page]:
    stages = ("roll_call", "presentation", "parties", "questions", "discussion")
    return await sitting_of(house, "public_hearing", "chair-0", "hearing_officer-0", stages=stages, needs="opinions")


async def no_opinion_asked(house: Courthouse) -> str:
    return await (await discussion(house))["chair-0"].refused("opinion", text="my opinion", final=True)


async def opinion_final(house: Courthouse) -> str:
    officer = (await discussion(house))["hearing_officer-0"]
    await officer.send("opinion", text="my opinion", final=True)
    return await officer.refused("opinion", text="another", final=True)


async def opinions_missing(house: Courthouse) -> str:
    return await (await discussion(house))["chair-0"].refused("stage", to="opinions")


def another_key(house: Courthouse) -> None:
    """As a server has it that was started without the key of the one before."""
    house.live()._seal = Sealing(b"another key of another server..."[:32]).of("sitting")


async def opinion_unreadable(house: Courthouse) -> str:
    pages = await discussion(house)
    await pages["hearing_officer-0"].send("opinion", text="my opinion", final=True)
    await house.logged("opinion_given")
    another_key(house)
    return await pages["chair-0"].refused("stage", to="opinions")


async def table(house: Courthouse, *more: str, questions: int = 1) -> dict[str, Page]:
    """Convenor and a member, and what was put to the vote."""
    pages = await sitting_of(house, "round_table", "convenor-0", "member-0", *more, stages=("report", "opinions"))
    for number in range(questions):
        await pages["convenor-0"].send("put_question", text=f"question {number}")
        await pages["convenor-0"].sees(partial(_has_questions, number + 1))
    return pages


async def no_votes_here(house: Courthouse) -> str:
    pages = await sitting_of(house, "round_table", "convenor-0", "member-0", stages=("report",))
    return await pages["convenor-0"].refused("put_question", text="now?")


async def too_many_questions(house: Courthouse) -> str:
    return await (await table(house, questions=QUESTIONS_KEPT))["convenor-0"].refused("put_question", text="one more")


async def question_unknown(house: Courthouse) -> str:
    return await (await table(house))["member-0"].refused("vote", question="2", choice="for")


async def no_vote(house: Courthouse) -> str:
    return await (await table(house, "clerk-0"))["clerk-0"].refused("vote", question="1", choice="for")


async def voted_already(house: Courthouse) -> str:
    member = (await table(house))["member-0"]
    await member.send("vote", question="1", choice="for")
    return await member.refused("vote", question="1", choice="against")


async def vote_unreadable(house: Courthouse) -> str:
    pages = await table(house)
    for who in ("convenor-0", "member-0"):
        await pages[who].send("vote", question="1", choice="for")
        await pages["convenor-0"].sees(partial(_has_voted, who))
    another_key(house)
    return await pages["convenor-0"].refused("close_question", question="1")


def _has_voted(who: str, view: dict[str, Any]) -> bool:
    return who in view["questions"][0]["given"]


async def votes_missing(house: Courthouse) -> str:
    convenor = (await table(house))["convenor-0"]
    return await convenor.refused("close_question", question="1")


async def vote_waits(house: Courthouse) -> str:
    pages = await table(house)
    await house.live().note(Disappear("e-member-0"))
    await pages["member-0"].sent_away()
    house.pages.remove(pages["member-0"])
    return await pages["convenor-0"].refused("close_question", question="1")


async def device_of_ones_own(house: Courthouse) -> str:
    pages = await table(house)
    await pages["member-0"].send("leave")
    await pages["member-0"].sent_away()
    house.pages.remove(pages["member-0"])
    shared = await house.enter(ticket("member-0", "shared", more=("member-1",)))
    await pages["convenor-0"].send("admit")
    await shared.sees(lambda view: view["place"] == "inside")
    return await shared.refused("vote", question="1", choice="for")


async def is_present(house: Courthouse) -> str:
    return await (await among(house))["judge"].refused("classify", participant="lawyer", cause="network", note="")


PRIVATE = (consult_not_provided, consults_already, consult_overheard, consult_unknown, no_private_phase, not_called)
DECIDED = (
    no_opinion_asked, opinion_final, opinions_missing, no_votes_here, too_many_questions, question_unknown, no_vote, voted_already,
    votes_missing, vote_waits, opinion_unreadable, vote_unreadable, device_of_ones_own, is_present,
)  # fmt: skip
