"""Questions that are put to the vote: one vote each, sealed until the question is closed, dissent noted. Decides and folds; part of
the conference, see :mod:`rooms.conference`.

Those vote who see the stage in which it was put, but for :data:`NO_VOTE`. A question is closed when everybody who is let in has
voted: the vote of one whose connection is lost waits for him, until he is back or is said to have left.

Source: Organic Law of the People's Courts (人民法院组织法) article 30: the panel decides by majority, dissent goes into its record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from rooms.acts import Fact, doer, need
from rooms.commands import Actor
from rooms.departures import has_gone
from rooms.kept import Question, Vote
from rooms.protocol import CastVote, CloseQuestion, PutQuestion, QuestionResult, QuestionView, UserError, VoteView
from rooms.state import Seat, State

NO_VOTE = frozenset({"clerk", "interpreter", "guardian", "expert", "guest"})
"""Roles that record, translate or are heard, and decide nothing."""
QUESTIONS_KEPT = 50
"""So many questions a sitting."""


def put(state: State, actor: Actor, command: PutQuestion) -> Iterable[Fact]:
    """The chair asks."""
    need(state, actor, "direct")
    if not state.now.votes:
        raise UserError("no_votes_here", f"nothing is voted on in {state.stage}")
    if len(state.questions) >= QUESTIONS_KEPT:
        raise UserError("too_many_questions", f"{QUESTIONS_KEPT} questions a sitting")
    text = command.text.strip()
    if not text:
        raise UserError("text_missing", "an empty question", field="text")
    data = {"question": str(len(state.questions) + 1), "text": text, "private": state.now.private, "by": doer(state, actor)}
    return [("question_put", data)]


def vote(state: State, actor: Actor, command: CastVote) -> Iterable[Fact]:
    """A member votes, once, at a device of his own."""
    question = _open_question(state, command.question)
    endpoint = state.endpoints.get(actor.endpoint)
    people = endpoint.participants if endpoint and state.is_inside(endpoint) else ()
    if not people or not all(votes_on(state, state.seats[p], question) for p in people):
        raise UserError("no_vote", "only its members vote on it")
    if len(people) > 1:
        raise UserError("device_of_ones_own", "several people sit at this device")
    if any(v.participant == people[0] for v in question.votes):
        raise UserError("voted_already", "one vote each", field="question")
    data = {"question": question.id, "participant": people[0], "choice": command.choice, "dissent": command.dissent.strip()}
    return [("voted", data)]


def close(state: State, actor: Actor, command: CloseQuestion) -> Iterable[Fact]:
    """The chair counts, when everybody has voted."""
    need(state, actor, "direct")
    question = _open_question(state, command.question)
    open_votes = missing(state, question)
    lost = [p for p in open_votes if state.seats[p].presence == "lost"]
    if lost:
        raise UserError("vote_waits", "、".join(state.name(p) for p in lost), field="question")
    if open_votes:
        raise UserError("votes_missing", "、".join(state.name(p) for p in open_votes), field="question")
    private = state.procedure.stages[question.stage].private
    return [("question_closed", {"question": question.id, **count(question), "private": private, "by": doer(state, actor)})]


def votes_on(state: State, seat: Seat, question: Question) -> bool:
    """Whether somebody is one of those who vote on a question."""
    role = seat.participant.role
    return role not in NO_VOTE and seat.admitted and state.procedure.rights_of(role, question.stage).see


def missing(state: State, question: Question) -> tuple[str, ...]:
    """Those whose vote is awaited, in the order of the plan."""
    voted = {v.participant for v in question.votes}
    return tuple(p for p, s in state.seats.items() if p not in voted and votes_on(state, s, question) and not has_gone(s))


def count(question: Question) -> dict[str, int]:
    """How many were for it, against it, and abstained."""
    found = Counter(v.choice for v in question.votes)
    return {"for": found["for"], "against": found["against"], "abstain": found["abstain"]}


def _open_question(state: State, question: str) -> Question:
    found = state.questions.get(question)
    if found is None or not found.open:
        raise UserError("question_unknown", "this question is not open", field="question")
    return found


# ------------------------------------------------------------------------------------------------ folded


def _put(state: State, data: Mapping[str, Any], at_us: int) -> State:
    question = Question(data["question"], state.stage, data["text"])
    return replace(state, questions={**state.questions, question.id: question})


def _voted(state: State, data: Mapping[str, Any], at_us: int) -> State:
    question = state.questions.get(data["question"])
    if question is None:
        return state
    given = Vote(data["participant"], data["choice"], data["dissent"])
    return replace(state, questions={**state.questions, question.id: replace(question, votes=(*question.votes, given))})


def _closed(state: State, data: Mapping[str, Any], at_us: int) -> State:
    question = state.questions.get(data["question"])
    if question is None:
        return state
    return replace(state, questions={**state.questions, question.id: replace(question, open=False)})


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "question_put": _put,
    "voted": _voted,
    "question_closed": _closed,
}


# ------------------------------------------------------------------------------------------------ viewed


def view(state: State, people: tuple[str, ...]) -> tuple[QuestionView, ...]:
    """The questions for those who saw the stage in which they were put, and for nobody else; how each voted only when it is closed."""
    return tuple(_view(state, question, people) for question in state.questions.values() if _sees(state, question, people))


def _sees(state: State, question: Question, people: tuple[str, ...]) -> bool:
    seats = [state.seats[p] for p in people if p in state.seats]
    return bool(seats) and all(s.admitted and state.procedure.rights_of(s.participant.role, question.stage).see for s in seats)


def _view(state: State, question: Question, people: tuple[str, ...]) -> QuestionView:
    hidden = state.plan.kept_from(people).difference(people)
    own = next((v.choice for v in question.votes if len(people) == 1 and v.participant == people[0]), "")
    result = None
    if not question.open:
        votes = tuple(
            VoteView(participant=v.participant, choice=v.choice, dissent=v.dissent) for v in question.votes if v.participant not in hidden
        )
        counted = count(question)
        result = QuestionResult(yes=counted["for"], no=counted["against"], abstain=counted["abstain"], votes=votes)
    return QuestionView(
        id=question.id,
        text=question.text,
        open=question.open,
        given=tuple(v.participant for v in question.votes if v.participant not in hidden),
        mine=own,
        may_vote=question.open and len(people) == 1 and people[0] in missing(state, question),
        result=result,
    )
