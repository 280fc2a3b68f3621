"""Consent to take part online, stage by stage: never presumed, and withdrawn at any time. Decides and folds; pure.

The consent of a party or of who acts for him covers the stages that he names and no other; some may be held online and others not
(rules of online litigation of the people's courts, 2021, articles 4, 5 and 37). It is given and taken back by himself.

The words that were agreed to stand in the log as they were shown, once for each text: `words_stated` has them, and a consent names
them by their digest. So it does with the notice that everybody reads before he takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from rooms.acts import Fact, seat_of
from rooms.commands import Actor, Consent, RefuseConsent, alert_id
from rooms.procedure import Procedure
from rooms.protocol import ConsentToStages, UserError
from rooms.state import State

Data = Mapping[str, Any]
VERSION = "2026-1"
"""Of the words below; whoever changes them gives them another version."""
WORDS: Mapping[str, str] = {
    "zh-CN": (
        "本人已知悉在线诉讼的权利、义务和法律后果，同意“{stage}”环节以在线视频方式进行。"
        "本人可以随时撤回同意；撤回后该环节如何进行由审判组织决定，已经在线完成的部分仍然有效。"
    ),
    "en": (
        "I know the rights, duties and legal consequences of taking part online, and consent to “{stage}” being held by video. "
        "I may withdraw this consent at any time; the court then decides how that stage goes on, and what was done online stays valid."
    ),
}
"""In both languages, so that everybody agrees to the same words."""


def stages_of(procedure: Procedure) -> tuple[str, ...]:
    """The stages that need consent, in order."""
    return tuple(name for name, stage in procedure.stages.items() if "consents" in stage.needs)


@lru_cache(maxsize=256)
def text_of(stage_zh: str, stage_en: str) -> str:
    """What is agreed to for a stage of these names: Chinese, then English."""
    return "\n".join((WORDS["zh-CN"].format(stage=stage_zh), WORDS["en"].format(stage=stage_en)))


def words(procedure: Procedure, stage: str) -> str:
    """What is agreed to for this stage."""
    names = procedure.stages[stage].names
    return text_of(names.get("zh-CN", stage), names.get("en", stage))


def missing(state: State, participant: str) -> tuple[str, ...]:
    """The stages that need his consent and have it not, in order."""
    seat = state.seats[participant]
    if seat.participant.role not in state.procedure.consents:
        return ()
    return tuple(stage for stage in stages_of(state.procedure) if stage not in seat.consents)


def due(state: State, participant: str) -> tuple[dict[str, Any], ...]:
    """What he is asked: ``{"stage", "names", "text", "version"}`` of each stage that still needs his consent."""
    return tuple(
        {"stage": s, "names": dict(state.procedure.stages[s].names), "text": words(state.procedure, s), "version": VERSION}
        for s in missing(state, participant)
    )


def stated(state: State, text: str, version: str) -> list[Fact]:
    """The words for the log, where they do not stand there yet."""
    digest = digest_of(text)
    if not text or digest in state.words_stated:
        return []
    return [("words_stated", {"text_sha256": digest, "version": version, "text": text})]


def digest_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, as hexadecimal digits: by this the log names it."""
    return sha256(text.encode()).hexdigest()


def consent_to_notice(state: State, actor: Actor, command: Consent) -> Iterable[Fact]:
    """A participant read the notice and consented to taking part. Raises UserError "participant_unknown"."""
    seat_of(state, command.participant)
    given: dict[str, Any] = {} if command.given_at_us is None else {"given_at_us": command.given_at_us}
    return [*stated(state, command.text, command.version), ("consented", {**_of_notice(command), **given})]


def refuse_notice(state: State, actor: Actor, command: RefuseConsent) -> Iterable[Fact]:
    """He read the notice at a room's device and does not consent. Whoever has consented before withdraws otherwise: by the clerk.
    Raises UserError "participant_unknown"."""
    if seat_of(state, command.participant).consent:
        return []
    return [*stated(state, command.text, command.version), ("consent_refused", _of_notice(command))]


def _of_notice(command: Consent | RefuseConsent) -> dict[str, Any]:
    return {
        "participant": command.participant,
        "version": command.version,
        "text_sha256": command.text_sha256,
        "device": command.device,
    }


def consent(state: State, actor: Actor, command: ConsentToStages) -> Iterable[Fact]:
    """A participant consents to stages, or takes his consent back, at his own device. Where several sit at it, `participant` says who.
    Raises UserError "not_inside", "participant_unknown", "not_allowed" or "stage_unknown"."""
    endpoint = state.endpoints.get(actor.endpoint)
    if endpoint is None or endpoint.pending or not endpoint.participants:
        raise UserError("not_inside", "this device has no place in the sitting")
    participant = command.participant or (endpoint.participants[0] if len(endpoint.participants) == 1 else "")
    seat = seat_of(state, participant)
    if participant not in endpoint.participants or seat.participant.role not in state.procedure.consents:
        raise UserError("not_allowed", "everybody consents for himself, and who need not is not asked", field="participant")
    wanted = dict.fromkeys(command.stages)
    unknown = [stage for stage in wanted if stage not in stages_of(state.procedure)]
    if unknown:
        raise UserError("stage_unknown", unknown[0], field="stages")
    kind = "stage_consented" if command.agree else "stage_consent_withdrawn"
    changed = [stage for stage in wanted if (stage in seat.consents) != command.agree]
    facts: list[Fact] = [(kind, {"participant": participant, "device": endpoint.device, **_to_what(state, stage)}) for stage in changed]
    said = [fact for stage in changed for fact in stated(state, words(state.procedure, stage), VERSION)]
    return [*said, *facts, *_told(state, participant, command)]


def _to_what(state: State, stage: str) -> dict[str, Any]:
    names = dict(state.procedure.stages[stage].names)
    return {"stage": stage, "names": names, "version": VERSION, "text_sha256": digest_of(words(state.procedure, stage))}


def _told(state: State, participant: str, command: ConsentToStages) -> list[Fact]:
    """The chair hears at once of a consent that is withdrawn for the stage of now, and when it is given again."""
    alert = alert_id("consent_withdrawn", participant)
    if command.agree:
        return [("alert_cleared", {"alert": alert})] if alert in state.alerts and state.stage in command.stages else []
    now = state.stage in command.stages and state.stage in state.seats[participant].consents
    if not now or alert in state.alerts:
        return []
    data = {"participant": participant, "name": state.name(participant)}
    return [("alert_raised", {"alert": alert, "code": "consent_withdrawn", "severity": "warning", "data": data})]


# ------------------------------------------------------------------------------------------------ fold


def _consented(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    consents = {**seat.consents, data["stage"]: data["version"]}
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, consents=consents)})


def _withdrawn(state: State, data: Data, at_us: int) -> State:
    seat = state.seats.get(data["participant"])
    if seat is None:
        return state
    consents = {stage: version for stage, version in seat.consents.items() if stage != data["stage"]}
    return replace(state, seats={**state.seats, data["participant"]: replace(seat, consents=consents)})


def _stated(state: State, data: Data, at_us: int) -> State:
    return replace(state, words_stated=state.words_stated | {data["text_sha256"]})


FOLDS: Mapping[str, Callable[[State, Data, int], State]] = {
    "words_stated": _stated,
    "stage_consented": _consented,
    "stage_consent_withdrawn": _withdrawn,
}
