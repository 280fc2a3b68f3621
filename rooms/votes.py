"""Questions that are put to the vote: one vote each, sealed until the question is closed, dissent noted. Decides and folds; part of
the conference, see :mod:`rooms.conference`.

How somebody voted lies in a box (:mod:`rooms.sealing`) in the log until the question is closed, which opens all votes. The words of a
question that is put in a private stage stay in one: its members alone read them.

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
from rooms.commands import Actor, Facts
from rooms.departures import has_gone
from rooms.kept import Question, Vote
from rooms.protocol import CastVote, CloseQuestion, PutQuestion, QuestionResult, QuestionView, UserError, VoteView
from rooms.sealing import Seal, SealBroken
from rooms.state import Seat, State

NO_VOTE = frozenset({"clerk", "interpreter", "guardian", "expert", "guest"})
"""Roles that record, translate or are heard, and decide nothing."""
QUESTIONS_KEPT = 50
"""So many questions a sitting."""


def put(state: State, actor: Actor, command: PutQuestion, facts: Facts) -> Iterable[Fact]:
    """The chair asks; in a private stage the words are sealed."""
    need(state, actor, "direct")
    if not state.now.votes:
        raise UserError("no_votes_here", f"nothing is voted on in {state.stage}")
    if len(state.questions) >= QUESTIONS_KEPT:
        raise UserError("too_many_questions", f"{QUESTIONS_KEPT} questions a sitting")
    text = command.text.strip()
    if not text:
        raise UserError("text_missing", "an empty question", field="text")
    number = str(len(state.questions) + 1)
    words = {"text": text}
    if state.now.private:
        sealed = facts.sealed_with.shut(_about_words(number), text)
        words = {"box": sealed.box, "digest": sealed.digest}
    return [("question_put", {"question": number, **words, "private": state.now.private, "by": doer(state, actor)})]


def vote(state: State, actor: Actor, command: CastVote, facts: Facts) -> Iterable[Fact]:
    """A member votes, once, at a device of his own; again only where his vote does not open any more, because the site has another
    key."""
    question = _open_question(state, command.question)
    endpoint = state.endpoints.get(actor.endpoint)
    people = endpoint.participants if endpoint and state.is_inside(endpoint) else ()
    if not people or not all(votes_on(state, state.seats[p], question) for p in people):
        raise UserError("no_vote", "only its members vote on it")
    if len(people) > 1:
        raise UserError("device_of_ones_own", "several people sit at this device")
    about, seal = _about(question, people[0]), facts.sealed_with
    if any(v.participant == people[0] and seal.opens(about, v.box) for v in question.votes):
        raise UserError("voted_already", "one vote each", field="question")
    sealed = seal.shut(about, _said(command.choice, command.dissent.strip()))
    return [("voted", {"question": question.id, "participant": people[0], "box": sealed.box, "digest": sealed.digest})]


def close(state: State, actor: Actor, command: CloseQuestion, facts: Facts) -> Iterable[Fact]:
    """The chair counts, when everybody has voted. Raises UserError "vote_unreadable" with those who have to vote anew."""
    need(state, actor, "direct")
    question = _open_question(state, command.question)
    open_votes = missing(state, question)
    lost = [p for p in open_votes if state.seats[p].presence == "lost"]
    if lost:
        raise UserError("vote_waits", "、".join(state.name(p) for p in lost), field="question")
    if open_votes:
        raise UserError("votes_missing", "、".join(state.name(p) for p in open_votes), field="question")
    opened = [_open(question, each, facts.sealed_with) for each in question.votes]
    broken = [v.participant for v, found in zip(question.votes, opened, strict=True) if found is None]
    if broken:
        raise UserError("vote_unreadable", "、".join(state.name(p) for p in broken), field="question")
    given = [found for found in opened if found is not None]
    private = state.procedure.stages[question.stage].private
    counted = _count(str(each["choice"]) for each in given)
    return [("question_closed", {"question": question.id, **counted, "votes": given, "private": private, "by": doer(state, actor)})]


def votes_on(state: State, seat: Seat, question: Question) -> bool:
    """Whether somebody is one of those who vote on a question."""
    role = seat.participant.role
    here = seat.admitted and not state.held_back(seat.participant.id)
    return role not in NO_VOTE and here and state.procedure.rights_of(role, question.stage).see


def missing(state: State, question: Question) -> tuple[str, ...]:
    """Those whose vote is awaited, in the order of the plan."""
    voted = {v.participant for v in question.votes}
    return tuple(p for p, s in state.seats.items() if p not in voted and votes_on(state, s, question) and not has_gone(s))


def count(question: Question) -> dict[str, int]:
    """How many were for it, against it, and abstained, once it is closed."""
    return _count(v.choice for v in question.votes)


def _count(choices: Iterable[str]) -> dict[str, int]:
    found = Counter(choices)
    return {"for": found["for"], "against": found["against"], "abstain": found["abstain"]}


def _about(question: Question, participant: str) -> str:
    return f"vote of {participant} on {question.id}"


def _about_words(question: str) -> str:
    return f"words of question {question}"


def _said(choice: str, dissent: str) -> str:
    """What is sealed: one line for the choice, the rest is the dissent."""
    return f"{choice}\n{dissent}"


def _open(question: Question, given: Vote, seal: Seal) -> dict[str, str] | None:
    try:
        found = seal.open(_about(question, given.participant), given.box)
    except SealBroken:
        return None
    choice, _, dissent = found.text.partition("\n")
    return {"participant": given.participant, "choice": choice, "dissent": dissent, "salt": found.salt, "digest": given.digest}


def _open_question(state: State, question: str) -> Question:
    found = state.questions.get(question)
    if found is None or not found.open:
        raise UserError("question_unknown", "this question is not open", field="question")
    return found


# ------------------------------------------------------------------------------------------------ folded


def _put(state: State, data: Mapping[str, Any], at_us: int) -> State:
    # A log of before has the words of every question as they are.
    question = Question(data["question"], state.stage, data.get("text", ""), data.get("box", ""))
    return replace(state, questions={**state.questions, question.id: question})


def _voted(state: State, data: Mapping[str, Any], at_us: int) -> State:
    question = state.questions.get(data["question"])
    if question is None or "box" not in data:  # a log of before has the plain vote: that was never sealed, and is given anew
        return state
    given = Vote(data["participant"], data["box"], data["digest"])
    votes = (*(v for v in question.votes if v.participant != given.participant), given)
    return replace(state, questions={**state.questions, question.id: replace(question, votes=votes)})


def _closed(state: State, data: Mapping[str, Any], at_us: int) -> State:
    question = state.questions.get(data["question"])
    if question is None:
        return state
    opened = {v["participant"]: v for v in data.get("votes", ())}
    votes = tuple(
        replace(v, choice=found["choice"], dissent=found["dissent"]) if (found := opened.get(v.participant)) else v for v in question.votes
    )
    return replace(state, questions={**state.questions, question.id: replace(question, votes=votes, open=False)})


FOLDS: Mapping[str, Callable[[State, Mapping[str, Any], int], State]] = {
    "question_put": _put,
    "voted": _voted,
    "question_closed": _closed,
}


# ------------------------------------------------------------------------------------------------ viewed


def view(state: State, people: tuple[str, ...], seal: Seal | None) -> tuple[QuestionView, ...]:
    """The questions for those who saw the stage in which they were put, and for nobody else; how each voted only when it is closed.
    Without a `seal` nobody reads his own vote before."""
    return tuple(_view(state, question, people, seal) for question in state.questions.values() if _sees(state, question, people))


def _sees(state: State, question: Question, people: tuple[str, ...]) -> bool:
    seats = [state.seats[p] for p in people if p in state.seats]
    return bool(seats) and all(s.admitted and state.procedure.rights_of(s.participant.role, question.stage).see for s in seats)


def _view(state: State, question: Question, people: tuple[str, ...], seal: Seal | None) -> QuestionView:
    hidden = state.plan.kept_from(people).difference(people)
    own = next((_choice(question, v, seal) for v in question.votes if len(people) == 1 and v.participant == people[0]), "")
    result = None
    if not question.open:
        votes = tuple(
            VoteView(participant=v.participant, choice=v.choice, dissent=v.dissent) for v in question.votes if v.participant not in hidden
        )
        counted = count(question)
        result = QuestionResult(yes=counted["for"], no=counted["against"], abstain=counted["abstain"], votes=votes)
    return QuestionView(
        id=question.id,
        text=seal.read(_about_words(question.id), question.box) if question.box and seal is not None else question.text,
        open=question.open,
        given=tuple(v.participant for v in question.votes if v.participant not in hidden),
        mine=own,
        may_vote=question.open and len(people) == 1 and people[0] in missing(state, question),
        result=result,
    )


def _choice(question: Question, given: Vote, seal: Seal | None) -> str:
    """How its owner voted."""
    found = _open(question, given, seal) if seal is not None and not given.choice else None
    return found["choice"] if found else given.choice
