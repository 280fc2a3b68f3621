"""Sealed opinions of a closed phase, and questions that are put to the vote."""

from __future__ import annotations

import json

from rooms.commands import Disappear, Facts
from rooms.fold import fold
from rooms.log import canonical
from rooms.measured import Measured
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, CastVote, ChangeStage, CloseQuestion, GiveOpinion, PutQuestion, Remove, View
from rooms.sealing import Sealing, digest_of
from rooms.views import next_stages, view_for
from tests.rooms.court import go, path_to
from tests.rooms.making import SEAL, Sitting, refused
from tests.rooms.test_five_kinds import PEOPLE

OFFICERS = ("hearing_officer-0", "hearing_officer-1")


def come_to(kind: str, stage: str) -> Sitting:
    """A sitting of this kind with everybody inside, come to a stage as a log says it."""
    sitting = Sitting(kind=kind, people=PEOPLE[kind], procedure=PROCEDURES[kind].text)
    chair = next(p.id for p in PEOPLE[kind] if p.chair)
    for person in PEOPLE[kind]:
        sitting.arrive(person.id)
    for step in (*path_to(kind, stage), ""):
        if sitting.state.rights(f"e-{chair}").admit:
            sitting.act(f"e-{chair}", Admit())
        go(sitting, *([step] if step else []))
    return sitting


def seen(sitting: Sitting, viewer: str) -> View:
    found = view_for(sitting.state, Measured(seal=SEAL), f"e-{viewer}")
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------ opinions


def test_opinions_are_sealed_until_all_are_in_and_opened_together() -> None:
    sitting = come_to("public_hearing", "discussion")
    texts = {officer: f"意见 {officer}" for officer in OFFICERS}
    sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text=texts[OFFICERS[0]], final=True))
    sitting.act(f"e-{OFFICERS[1]}", GiveOpinion(text="草稿", final=False))
    for viewer in seen(sitting, "chair-0").opinions, seen(sitting, OFFICERS[1]).opinions:
        assert viewer is not None
        assert (viewer.due, viewer.given, viewer.opened) == (OFFICERS, (OFFICERS[0],), ())
    for person in PEOPLE["public_hearing"]:
        if person.id != OFFICERS[0]:
            assert texts[OFFICERS[0]] not in seen(sitting, person.id).model_dump_json()
    own = seen(sitting, OFFICERS[0]).opinions
    assert own is not None
    assert (own.mine, own.mine_final) == (texts[OFFICERS[0]], True)
    assert seen(sitting, "party-0").opinions is None
    with refused("opinions_missing"):
        sitting.act("e-chair-0", ChangeStage(to="opinions"))
    (onwards,) = (each for each in next_stages(sitting.state, Measured()) if each["to"] == "opinions")
    assert onwards["blocked"]
    sitting.act(f"e-{OFFICERS[1]}", GiveOpinion(text=texts[OFFICERS[1]], final=True))
    assert sitting.act("e-chair-0", ChangeStage(to="opinions")) == ["stage_changed", "opinions_opened"]
    for viewer in seen(sitting, "party-0").opinions, seen(sitting, "gallery-0").opinions:
        assert viewer is not None
        assert {o.participant: o.text for o in viewer.opened} == texts
    assert fold(sitting.log) == sitting.state


def test_who_is_lost_is_waited_for_and_who_was_put_out_is_not() -> None:
    sitting = come_to("public_hearing", "discussion")
    sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text="意见", final=True))
    sitting.system(Disappear(f"e-{OFFICERS[1]}"))
    with refused("opinions_missing"):
        sitting.act("e-chair-0", ChangeStage(to="opinions"))
    sitting.act("e-chair-0", Remove(participant=OFFICERS[1], reason="order"))
    sitting.act("e-chair-0", ChangeStage(to="opinions"))
    assert sitting.state.stage == "opinions"


def test_an_opinion_that_is_final_stays_until_the_discussion_begins_again() -> None:
    sitting = come_to("public_hearing", "discussion")
    sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text="意见", final=True))
    with refused("opinion_final"):
        sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text="别的意见", final=True))
    sitting.act("e-chair-0", ChangeStage(to="questions"))
    with refused("no_opinion_asked"):
        sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text="别的意见", final=True))
    assert sitting.state.opinions_opened == ()
    go(sitting, "discussion")
    sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text="别的意见", final=True))
    own = seen(sitting, OFFICERS[0]).opinions
    assert own is not None
    assert own.mine == "别的意见"


def test_nobody_else_writes_an_opinion_and_an_empty_one_is_none() -> None:
    sitting = come_to("public_hearing", "discussion")
    for other in ("chair-0", "party-0", "clerk-0"):
        with refused("no_opinion_asked"):
            sitting.act(f"e-{other}", GiveOpinion(text="我看", final=True))
    with refused("text_missing"):
        sitting.act(f"e-{OFFICERS[0]}", GiveOpinion(text="  ", final=True))


def written(sitting: Sitting, *types: str) -> str:
    """The rows of these types as the log has them, all rows without."""
    return "\n".join(canonical({"type": e.type, "data": dict(e.data)}) for e in sitting.log if not types or e.type in types)


def test_the_log_has_a_digest_of_a_sealed_opinion_and_says_who_wrote_what_when_all_are_opened() -> None:
    sitting = come_to("public_hearing", "discussion")
    texts = {officer: f"同意拟不起诉，{officer}" for officer in OFFICERS}
    for officer, text in texts.items():
        sitting.act(f"e-{officer}", GiveOpinion(text=text, final=True))
    assert not any(text in written(sitting) for text in texts.values())
    given = {e.data["participant"]: e.data for e in sitting.log if e.type == "opinion_given"}
    sitting.act("e-chair-0", ChangeStage(to="opinions"))
    opened = {o["participant"]: o for o in sitting.log[-1].data["opinions"]}
    assert {p: o["text"] for p, o in opened.items()} == texts
    for officer, one in opened.items():
        assert digest_of(one["salt"], one["text"]) == one["digest"] == given[officer]["digest"]
        assert digest_of(one["salt"], one["text"] + "。") != given[officer]["digest"]


def test_what_was_sealed_with_a_key_that_is_gone_is_written_anew() -> None:
    sitting = come_to("public_hearing", "discussion")
    for officer in OFFICERS:
        sitting.act(f"e-{officer}", GiveOpinion(text="同意", final=True))
    other = Facts(seal=Sealing(b"2" * 32).of("sitting"))
    found = view_for(sitting.state, Measured(seal=other.seal), f"e-{OFFICERS[0]}")
    assert found is not None
    assert found.opinions is not None
    assert found.opinions.mine == ""
    with refused("opinion_unreadable"):
        sitting.act("e-chair-0", ChangeStage(to="opinions"), other)
    for officer in OFFICERS:
        sitting.act(f"e-{officer}", GiveOpinion(text="仍同意", final=True), other)
    sitting.act("e-chair-0", ChangeStage(to="opinions"), other)
    assert [o.text for o in sitting.state.opinions_opened] == ["仍同意"] * 2


# ------------------------------------------------------------------------------------------------ votes


def test_votes_are_sealed_until_the_chair_closes_and_dissent_is_noted() -> None:
    sitting = come_to("remote_court", "deliberation")
    sitting.act("e-judge-0", PutQuestion(text="支持原告的请求"))
    sitting.act("e-panel-0", CastVote(question="1", choice="against", dissent="证据不足"))
    with refused("voted_already"):
        sitting.act("e-panel-0", CastVote(question="1", choice="for"))
    (question,) = seen(sitting, "judge-0").questions
    assert (question.given, question.mine, question.may_vote, question.result) == (("panel-0",), "", True, None)
    assert seen(sitting, "panel-0").questions[0].mine == "against"
    assert "证据不足" not in json.dumps(seen(sitting, "judge-0").model_dump(), ensure_ascii=False)
    with refused("votes_missing"):
        sitting.act("e-judge-0", CloseQuestion(question="1"))
    for voter in ("judge-0", "panel-1"):
        sitting.act(f"e-{voter}", CastVote(question="1", choice="for"))
    sitting.act("e-judge-0", CloseQuestion(question="1"))
    (question,) = seen(sitting, "panel-1").questions
    assert question.result is not None
    assert (question.result.yes, question.result.no, question.result.abstain) == (2, 1, 0)
    assert [(v.participant, v.dissent) for v in question.result.votes if v.dissent] == [("panel-0", "证据不足")]
    sitting.act("e-judge-0", ChangeStage(to="judgment"))
    for outsider in ("clerk-0", "party-0", "gallery-0"):
        assert seen(sitting, outsider).questions == ()
    assert len(seen(sitting, "panel-0").questions) == 1
    with refused("question_unknown"):
        sitting.act("e-panel-0", CastVote(question="1", choice="for"))
    with refused("no_votes_here"):
        sitting.act("e-judge-0", PutQuestion(text="再来"))
    assert fold(sitting.log) == sitting.state


def test_how_one_voted_is_in_the_log_only_when_the_question_is_closed() -> None:
    sitting = come_to("remote_court", "deliberation")
    sitting.act("e-judge-0", PutQuestion(text="支持原告的请求"))
    for voter in ("judge-0", "panel-0", "panel-1"):
        sitting.act(f"e-{voter}", CastVote(question="1", choice="for", dissent="但理由不同"))
    assert '"for"' not in written(sitting, "voted")
    assert "理由" not in written(sitting)
    given = {e.data["participant"]: e.data["digest"] for e in sitting.log if e.type == "voted"}
    assert len(set(given.values())) == 3, "the same vote of two people does not look the same"
    sitting.act("e-judge-0", CloseQuestion(question="1"))
    opened = sitting.log[-1].data["votes"]
    assert {v["participant"]: digest_of(v["salt"], f"{v['choice']}\n{v['dissent']}") for v in opened} == given


def test_at_a_round_table_the_vote_of_one_who_was_lost_waits_for_him() -> None:
    sitting = come_to("round_table", "conclusion")
    sitting.act("e-convenor-0", PutQuestion(text="一致结论"))
    for voter in ("convenor-0", "member-0"):
        sitting.act(f"e-{voter}", CastVote(question="1", choice="for"))
    for other in ("clerk-0", "interpreter-0"):
        with refused("no_vote"):
            sitting.act(f"e-{other}", CastVote(question="1", choice="for"))
    with refused("not_allowed"):
        sitting.act("e-member-0", CloseQuestion(question="1"))
    sitting.system(Disappear("e-member-1"))
    with refused("vote_waits"):
        sitting.act("e-convenor-0", CloseQuestion(question="1"))
    sitting.arrive("member-1")
    sitting.act("e-member-1", CastVote(question="1", choice="abstain"))
    assert sitting.act("e-convenor-0", CloseQuestion(question="1")) == ["question_closed"]
    assert sitting.log[-1].data["abstain"] == 1
