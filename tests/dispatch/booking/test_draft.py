"""The clerk's form: what is wrong with it is said of every field at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatch.booking.draft import SittingDraft, normal_case_number, problems, title_of
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.booking.roles import roles_for
from tests.dispatch.making import NOW, at

LIU = ParticipantDraft("刘芳", "party", phone="13812345678")


def draft(**changes: Any) -> SittingDraft:
    good = SittingDraft(
        case_number="（2026）京0105民初31号",
        case_title="物业服务合同纠纷",
        title="",
        room_id="room",
        starts_at=at("14:00"),
        ends_at=at("15:00"),
        chair_id="judge",
        clerk_id="clerk",
        participants=(LIU,),
    )
    return replace(good, **changes)


def wrong(**changes: Any) -> list[tuple[str, str]]:
    """Field and code of each thing that is wrong with the form."""
    return [(field, code) for field, code, _ in problems(draft(**changes), NOW)]


def test_a_good_form_has_no_problems() -> None:
    assert wrong() == []


def test_an_empty_form_names_every_field_at_once() -> None:
    empty = SittingDraft("", "", "", None, None, "", kind="")
    assert {field for field, _, _ in problems(empty, NOW)} == {
        "case_number", "title", "kind", "room_id", "starts_at", "ends_at", "chair_id", "participants",
    }  # fmt: skip


def test_bad_fields_of_several_rows_are_named_with_their_row() -> None:
    rows = (ParticipantDraft("", "party"), LIU, ParticipantDraft("王某", "king", phone="call me", seat="cloud"))
    assert wrong(participants=rows) == [
        ("participants.0.name", "required"),
        ("participants.2.role", "role_unknown"),
        ("participants.2.phone", "phone_shape"),
        ("participants.2.seat", "required"),
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"case_number": "   "}, ("case_number", "required")),
        ({"case_number": "京民初号"}, ("case_number", "case_number_shape")),
        ({"case_number": "1" * 81}, ("case_number", "too_long")),
        ({"case_title": "长" * 201}, ("case_title", "too_long")),
        ({"title": "长" * 201}, ("title", "too_long")),
        ({"title": " ", "case_title": ""}, ("title", "title_missing")),
        ({"title": "", "case_title": "\u3000"}, ("title", "title_missing")),
        ({"kind": "banquet"}, ("kind", "kind_unknown")),
        ({"room_id": ""}, ("room_id", "required")),
        ({"starts_at": None}, ("starts_at", "required")),
        ({"ends_at": None}, ("ends_at", "required")),
        ({"ends_at": at("14:09")}, ("ends_at", "too_short")),
        ({"ends_at": at("13:00")}, ("ends_at", "too_short")),
        ({"ends_at": at("02:01", 1)}, ("ends_at", "too_much_time")),
        ({"starts_at": at("08:00"), "ends_at": at("09:30")}, ("starts_at", "in_the_past")),
        ({"starts_at": NOW + timedelta(days=731), "ends_at": NOW + timedelta(days=731, hours=1)}, ("starts_at", "too_far")),
        ({"chair_id": ""}, ("chair_id", "required")),
        ({"clerk_id": "judge"}, ("clerk_id", "person_twice")),
        ({"participants": ()}, ("participants", "participants_none")),
        ({"participants": (LIU,) * 21}, ("participants", "participants_many")),
        ({"participants": (replace(LIU, role="judge"),)}, ("participants.0.role", "role_unknown")),
        ({"participants": (replace(LIU, role=""),)}, ("participants.0.role", "required")),
        ({"participants": (replace(LIU, name="名" * 81),)}, ("participants.0.name", "too_long")),
        ({"participants": (replace(LIU, name="", user_id="clerk"),)}, ("participants.0.name", "person_twice")),
        ({"participants": (LIU, replace(LIU, user_id="u"), replace(LIU, user_id="u"))}, ("participants.2.name", "person_twice")),
        ({"participants": (replace(LIU, id="p"), replace(LIU, id="p"))}, ("participants.1.name", "person_twice")),
    ],
)
def test_one_wrong_field_is_the_only_one_named(changes: dict[str, Any], problem: tuple[str, str]) -> None:
    assert wrong(**changes) == [problem]


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": at("14:10")},
        {"ends_at": at("02:00", 1)},
        {"starts_at": at("09:00"), "ends_at": at("09:31")},
        {"clerk_id": ""},
        {"title": "第二次开庭", "case_title": ""},
        {"participants": (replace(LIU, phone=""),)},
        {"participants": (replace(LIU, phone="+86 (10) 5550-1200 转 12"),)},
        {"participants": (replace(LIU, phone="010 5550 1200 ext. 7"),)},
        {"participants": (replace(LIU, name="", user_id="prosecutor-2"),)},
    ],
    ids=repr,
)
def test_what_is_just_allowed_is_allowed(changes: dict[str, Any]) -> None:
    assert wrong(**changes) == []


def test_a_night_in_which_the_clock_is_put_forward_is_measured_by_the_sun() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    starts_at = datetime(2027, 3, 28, 1, 55, tzinfo=berlin)
    assert wrong(starts_at=starts_at, ends_at=datetime(2027, 3, 28, 3, 0, tzinfo=berlin)) == [("ends_at", "too_short")]


def test_bench_and_clerk_are_no_roles_of_a_row() -> None:
    assert {"judge", "clerk"} & set(roles_for("remote_court")) == set()
    assert "party" in roles_for("remote_court")
    assert roles_for("banquet") == ()


def test_a_sitting_without_a_title_of_its_own_is_called_as_its_case() -> None:
    assert title_of(draft(title=" ")) == "物业服务合同纠纷"
    assert title_of(draft(title=" 第二次开庭\n")) == "第二次开庭"


@pytest.mark.parametrize(
    "typed",
    [
        "（2026）京0105刑初1024号",
        "(2026)京0105刑初1024号",
        " 〔2026〕 京0105 刑初 1024 号 ",
        "【2026】京0105刑初1024号",
        "( 2026 )京0105刑初1024号",
        "（２０２６）京０１０５刑初１０２４号",
        "（2026）京0105\u200b刑初1024号\ufeff",
    ],
)
def test_a_case_number_has_one_form_however_it_is_typed(typed: str) -> None:
    assert normal_case_number(typed) == "（2026）京0105刑初1024号"


def test_another_number_is_another_case() -> None:
    assert normal_case_number("（2026）京0105刑初1024号") != normal_case_number("（2026）京0105刑初1025号")


@given(text=st.text(max_size=60))
@example(text="1e\u200b\u0301号")
def test_the_form_of_a_case_number_is_final_and_fit_for_the_database(text: str) -> None:
    once = normal_case_number(text)
    assert normal_case_number(once) == once
    assert not any(sign.isspace() for sign in once)
    once.encode()


numbers = st.tuples(
    st.integers(1980, 2099), st.sampled_from(("京0105", "粤03", "最高法")), st.sampled_from(("民初", "刑终", "执恢")), st.integers(1, 99999)
)


@given(number=numbers, brackets=st.sampled_from(("()", "（）", "〔〕", "[]", "【】")), gap=st.sampled_from(("", " ", "\t", "\u3000", "\n")))
def test_brackets_and_gaps_make_no_other_case(number: tuple[int, str, str, int], brackets: str, gap: str) -> None:
    year, court, kind, serial = number
    typed = gap.join(("", f"{brackets[0]}{year}{brackets[1]}", court, kind, f"{serial}号", ""))
    assert normal_case_number(typed) == f"（{year}）{court}{kind}{serial}号"
