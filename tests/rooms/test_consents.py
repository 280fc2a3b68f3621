"""Consents: in which words, so that the log alone tells it; and which stages of which kind wait for one."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
import yaml

from rooms import needs
from rooms.commands import Consent, RefuseConsent
from rooms.consents import VERSION, words
from rooms.fold import fold
from rooms.procedure import PROCEDURES
from rooms.protocol import Admit, ChangeStage, ConsentToStages, Identify
from tests.rooms.court import go, path_to
from tests.rooms.making import NOW_US, Sitting, held_by, refused
from tests.rooms.walking import PEOPLE

BLOCKED = {
    "remote_court": ("investigation", "debate"),
    "petition_intake": (),
    "public_hearing": (),
    "round_table": (),
    "remote_interrogation": (),
}
"""The stages that do not begin without consent, by kind: it is asked for where the rules of online litigation ask for it (articles 4, 5
and 37), in a court. Everywhere else the notice is read and confirmed, and no stage waits for more."""
OWN = {
    "remote_court": ("party", "final_statements"),
    "petition_intake": ("petitioner", "statement"),
    "public_hearing": ("party", "parties"),
    "round_table": ("member", "opinions"),
    "remote_interrogation": ("suspect", "questioning"),
}
"""A role and a stage of each kind of which a unit's own version may ask it."""
NOTICE = "告知书\n录音录像\n\n本人同意"


def gathered(kind: str, procedure: str = "") -> Sitting:
    """Everybody of the kind is inside and known."""
    about = held_by(kind, **PEOPLE[kind])
    sitting = Sitting(**about | ({"procedure": procedure} if procedure else {})).gathered(*PEOPLE[kind])
    sitting.act("e-judge", Admit())
    for someone in PEOPLE[kind]:
        if sitting.state.unidentified(someone):
            sitting.act("e-judge", Identify(participant=someone, result="confirmed", note="身份证"))
    return sitting


def asking(kind: str) -> str:
    """The kind's file, by which a stage more waits for consent."""
    role, stage = OWN[kind]
    data: dict[str, Any] = yaml.safe_load(PROCEDURES[kind].text)
    about = data["roles"][role]
    about["is"] = sorted({*about.get("is", ()), "consents"})
    data["stages"][stage]["needs"] = [*data["stages"][stage].get("needs", ()), "consents"]
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


def waiting_for_consent(sitting: Sitting) -> tuple[str, ...]:
    return tuple(
        stage for stage in sitting.state.procedure.stages if any(m.code == "consent_missing" for m in needs.missing(sitting.state, stage))
    )


def stated(sitting: Sitting) -> list[str]:
    return [event.data["text"] for event in sitting.log if event.type == "words_stated"]


@pytest.mark.parametrize("kind", PROCEDURES)
class TestEachKind:
    def test_a_consent_that_is_missing_or_withdrawn_blocks_the_stages_for_which_the_law_asks_it_and_no_other(self, kind: str) -> None:
        sitting = gathered(kind)
        assert waiting_for_consent(sitting) == BLOCKED[kind]
        people = [who for who, role in PEOPLE[kind].items() if role in PROCEDURES[kind].consents]
        assert bool(people) == bool(BLOCKED[kind])
        for agree, then in ((True, ()), (False, BLOCKED[kind])):
            for who in people:
                sitting.act(f"e-{who}", ConsentToStages(stages=BLOCKED[kind], agree=agree))
            assert waiting_for_consent(sitting) == then

    def test_whoever_need_not_consent_is_not_asked_and_cannot(self, kind: str) -> None:
        sitting = gathered(kind)
        for who, role in {"judge": PROCEDURES[kind].chair, **PEOPLE[kind]}.items():
            if role not in PROCEDURES[kind].consents:
                with refused("not_allowed"):
                    sitting.act(f"e-{who}", ConsentToStages(stages=("investigation",), agree=True))

    def test_a_stage_of_which_a_version_of_the_unit_asks_it_waits_for_each_and_waits_again_when_one_takes_it_back(self, kind: str) -> None:
        role, stage = OWN[kind]
        sitting = gathered(kind, asking(kind))
        people = [who for who, each in PEOPLE[kind].items() if each in sitting.state.procedure.consents]
        assert role in {PEOPLE[kind][who] for who in people}
        *before, _ = path_to(kind, stage)
        go(sitting, *before)
        assert stage in waiting_for_consent(sitting)
        for who in people:
            with refused("consent_missing"):
                sitting.act("e-judge", ChangeStage(to=stage))
            sitting.act(f"e-{who}", ConsentToStages(stages=(stage,), agree=True))
        assert stage not in waiting_for_consent(sitting)
        assert sitting.act(f"e-{people[0]}", ConsentToStages(stages=(stage,), agree=False))[0] == "stage_consent_withdrawn"
        with refused("consent_missing"):
            sitting.act("e-judge", ChangeStage(to=stage))
        sitting.act(f"e-{people[0]}", ConsentToStages(stages=(stage,), agree=True))
        reason = next(iter(sitting.state.procedure.stages[stage].reasons), "")
        assert "stage_changed" in sitting.act("e-judge", ChangeStage(to=stage, reason=reason))
        for event in (event for event in sitting.log if event.type in {"stage_consented", "stage_consent_withdrawn"}):
            assert event.data["text_sha256"] in sitting.state.words_stated


class TestWords:
    def test_the_log_has_the_words_of_a_stage_in_both_languages_before_the_first_consent_and_once(self) -> None:
        sitting = gathered("remote_court")
        wanted = ConsentToStages(stages=("investigation", "debate"), agree=True)
        found = sitting.act("e-zhang", wanted)
        assert found == ["words_stated", "words_stated", "stage_consented", "stage_consented"]
        assert sitting.act("e-li", wanted) == ["stage_consented", "stage_consented"]
        texts = stated(sitting)
        assert texts == [words(sitting.state.procedure, stage) for stage in wanted.stages]
        assert all("同意“" in text and "consent to “" in text for text in texts)
        by_digest = {e.data["text_sha256"]: e.data for e in sitting.log if e.type == "words_stated"}
        for event in sitting.log:
            if event.type == "stage_consented":
                data = by_digest[event.data["text_sha256"]]
                assert data["version"] == event.data["version"] == VERSION
                assert sha256(data["text"].encode()).hexdigest() == event.data["text_sha256"]
                assert event.data["device"]

    def test_the_notice_stands_in_the_log_once_for_each_text_that_was_read_and_the_consent_says_when_it_was_given(self) -> None:
        sitting = gathered("remote_court")
        digest = sha256(NOTICE.encode()).hexdigest()
        said = sitting.system(Consent("zhang", "2026-12", digest, "手机", NOTICE, NOW_US - 5))
        assert said == ["words_stated", "consented"]
        assert sitting.log[-1].data["given_at_us"] == NOW_US - 5
        assert sitting.system(RefuseConsent("li", "2026-12", digest, "第一法庭主机", NOTICE)) == ["consent_refused"]
        english = Consent("lawyer", "2026-12", sha256(b"Notice").hexdigest(), "phone", "Notice")
        assert sitting.system(english) == ["words_stated", "consented"]
        assert stated(sitting) == [NOTICE, "Notice"]

    def test_a_consent_of_which_only_the_digest_was_kept_is_logged_as_it_was(self) -> None:
        sitting = gathered("remote_court")
        assert sitting.system(Consent("zhang", "2025-1", "ab" * 32, "手机")) == ["consented"]
        assert sitting.state.seats["zhang"].consent == "2025-1"
        assert stated(sitting) == []

    def test_a_log_of_before_is_read_and_states_the_words_with_the_next_consent(self) -> None:
        sitting = gathered("remote_court")
        consent = ConsentToStages(stages=("investigation",), agree=True)
        sitting.act("e-zhang", consent)
        sitting.log = [event for event in sitting.log if event.type != "words_stated"]
        sitting._state = fold(sitting.log)
        assert "investigation" in sitting.state.seats["zhang"].consents
        assert sitting.act("e-li", consent) == ["words_stated", "stage_consented"]
