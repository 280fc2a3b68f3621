"""Files in and out by the API: a preview names each bad row, a second request books it, and what goes out can be read in again."""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from dispatch.exchange import drafts
from dispatch.store.notice_tables import ImportDraft
from dispatch.store.tables import Sitting
from tests.dispatch.making import audited
from tests.dispatch.web.api.conftest import Programs, order
from tests.dispatch.web.conftest import Site

HEADING = "案号,案件名称,日期,开始,结束,房间,审判长,参加人"


def listed(site: Site, *rows: tuple[str, str, str]) -> str:
    """A list of sittings of the first room: number of the case, start, end."""
    return "\n".join(
        [
            HEADING,
            *(
                f"（2026）京0105民初{n}号,物业服务合同纠纷,2026-11-24,{a},{b},{site.rooms[0].name},{site.users['judge'].name},刘芳"
                for n, a, b in rows
            ),
        ]
    )


def file(text: str, name: str = "list.csv", **more: str) -> dict[str, str]:
    return {"file_name": name, "text": text, "override_reason": "双方当事人同意即时开庭"} | more


async def sittings(site: Site) -> int:
    async with site.db.reader() as session:
        return int(await session.scalar(select(func.count()).select_from(Sitting)) or 0)


async def test_a_preview_books_nothing_and_names_each_bad_row_in_the_readers_language(site: Site, program: Programs) -> None:
    english, chinese = await program("clerk"), await program("clerk", language="zh-CN")
    text = listed(site, ("1", "10:00", "11:00"), ("2", "10:30", "11:30"), ("3", "25:00", "11:30"))
    made = await english.made("/imports", file(text))
    assert [(row["number"], row["state"]) for row in made["rows"]] == [(2, "good"), (3, "bad"), (4, "bad")]
    assert (made["state"], made["good"], made["bad"], made["known"], made["booked"]) == ("preview", 1, 2, 0, 0)
    taken, wrong = made["rows"][1]["errors"][0], made["rows"][2]["errors"][0]
    assert (taken["column"], taken["code"]) == ("start", "room_taken")
    assert site.rooms[0].name in taken["detail"]
    assert (wrong["column"], wrong["detail"]) == ("start", "“25:00” is no time. Write it as 09:30.")
    assert "25:00" in (await chinese.made("/imports", file(text)))["rows"][2]["errors"][0]["detail"]
    assert await sittings(site) == 0


async def test_the_good_rows_are_booked_and_asked_again_the_same_is_the_answer(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/imports", file(listed(site, ("1", "10:00", "11:00"), ("2", "10:30", "11:30"))))
    path = f"/imports/{made['id']}"
    status, booked, _ = await clerk.ask("POST", f"{path}/book", {"take": "good"})
    assert (status, booked["state"], booked["booked"], booked["bad"]) == (200, "booked", 1, 1)
    assert (await clerk.get(f"/sittings/{booked['rows'][0]['sitting_id']}"))["case"]["number"] == "（2026）京0105民初1号"
    assert (await clerk.ask("POST", f"{path}/book", {"take": "good"}))[1] == booked == await clerk.get(path)
    assert await sittings(site) == 1
    (row,) = await audited(site.db, "sittings_imported")
    assert row.detail == {"rows": 2, "booked": 1}
    again = await clerk.made("/imports", file(listed(site, ("1", "10:00", "11:00"))))
    assert [(each["state"], each["sitting_id"]) for each in again["rows"]] == [("known", booked["rows"][0]["sitting_id"])]


async def test_all_or_none_keeps_what_is_wrong_by_now(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/imports", file(listed(site, ("1", "10:00", "11:00"), ("2", "14:00", "15:00"))))
    assert made["good"] == 2
    await clerk.made("/sittings", order(site, case_number="（2026）京0105民初99号"))
    status, body, _ = await clerk.ask("POST", f"/imports/{made['id']}/book", {"take": "all"})
    assert (status, body["code"], body["detail"]) == (409, "import_rows_bad", "1 rows are bad; nothing was imported.")
    assert await sittings(site) == 1
    shown = await clerk.get(f"/imports/{made['id']}")
    assert [row["state"] for row in shown["rows"]] == ["good", "bad"]
    assert shown["state"] == "preview"


async def test_a_change_of_what_was_seen_is_refused(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    made = await clerk.made("/imports", file(listed(site, ("1", "10:00", "11:00"), ("2", "14:00", "15:00"))))
    path = f"/imports/{made['id']}"
    _, _, seen = await clerk.ask("GET", path)
    _, _, chinese = await clerk.ask("GET", path, Accept_Language="zh-CN")
    assert chinese.headers["ETag"] == seen.headers["ETag"], "the version is the same in every language"
    await clerk.made("/sittings", order(site, case_number="（2026）京0105民初99号"))
    assert (await clerk.ask("POST", f"{path}/book", {"take": "all"}, If_Match=seen.headers["ETag"]))[0] == 409
    status, body, _ = await clerk.ask("POST", f"{path}/book", {"take": "good"}, If_Match=seen.headers["ETag"])
    assert (status, body["code"]) == (412, "version_changed")
    assert (await clerk.ask("DELETE", path, If_Match=seen.headers["ETag"]))[0] == 412
    assert (await clerk.ask("DELETE", path))[0] == 204
    assert (await clerk.ask("GET", path))[0] == 404


async def test_sent_again_under_its_key_it_is_one_import(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    sent = file(listed(site, ("1", "10:00", "11:00")))
    made = await clerk.made("/imports", sent, Idempotency_Key="one")
    assert await clerk.made("/imports", sent, Idempotency_Key="one") == made
    status, body, _ = await clerk.ask("POST", "/imports", file(listed(site, ("2", "10:00", "11:00"))), Idempotency_Key="one")
    assert (status, body["code"]) == (422, "key_reused")


async def test_an_import_is_its_senders_alone_and_is_forgotten_after_a_day(site: Site, program: Programs) -> None:
    clerk, other = await program("clerk"), await program("clerk")
    made = await clerk.made("/imports", file(listed(site, ("1", "10:00", "11:00"))))
    path = f"/imports/{made['id']}"
    for method, where, body in (("GET", path, None), ("POST", f"{path}/book", {"take": "good"}), ("DELETE", path, None)):
        assert (await other.ask(method, where, body))[0] == 404
    site.now += timedelta(hours=24)
    assert (await clerk.ask("POST", f"{path}/book", {"take": "good"}))[0] == 404
    await drafts.forget(site.db, site.now)
    async with site.db.reader() as session:
        assert list(await session.scalars(select(ImportDraft))) == []


def xlsx(text: str) -> str:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in text.splitlines():
        sheet.append(line.split(","))
    made = io.BytesIO()
    book.save(made)
    return base64.b64encode(made.getvalue()).decode()


async def test_a_workbook_and_a_calendar_are_taken_too(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    book = await clerk.made("/imports", file("", "list.xlsx", base64=xlsx(listed(site, ("1", "10:00", "11:00")))))
    assert [row["state"] for row in book["rows"]] == ["good"], book
    entry = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a@b\r\nDTSTART:20261124T020000Z\r\nDTEND:20261124T030000Z\r\n"
        f"SUMMARY:物业服务合同纠纷（2026）京0105民初5号\r\nLOCATION:{site.rooms[0].name}\r\nATTENDEE;CN=刘芳:mailto:liu@example.com\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    calendar = await clerk.made("/imports", file(entry, "sittings.ics", chair_id=site.users["judge"].id))
    assert [row["state"] for row in calendar["rows"]] == ["good"], calendar


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        ({"file_name": "list.csv"}, "#/text", "import_one_of"),
        ({"file_name": "list.csv", "text": "a", "base64": "YQ=="}, "#/text", "import_one_of"),
        ({"file_name": "list.csv", "base64": "!"}, "#/base64", "base64_shape"),
        ({"file_name": "list.pdf", "text": "a"}, "#/file_name", "file_kind"),
        ({"file_name": "list.csv", "text": "a,b"}, "#/text", "columns_missing"),
        ({"file_name": "list.xlsx", "base64": "YQ=="}, "#/base64", "file_shape"),
        ({"file_name": "sittings.ics", "text": "BEGIN:VEVENT"}, "#/text", "file_shape"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_at_its_field(
    site: Site, program: Programs, sent: dict[str, str], pointer: str, code: str
) -> None:
    status, body, _ = await (await program("clerk")).ask("POST", "/imports", sent)
    assert (status, [(each["pointer"], each["code"]) for each in body["errors"]]) == (422, [(pointer, code)])


async def test_a_file_may_be_longer_than_other_bodies_and_two_megabytes_at_most(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    status, body, _ = await clerk.ask("POST", "/imports", file("x" * 100_000))
    assert (status, body["errors"][0]["code"]) == (422, "columns_missing"), "longer than other bodies may be"
    status, body, _ = await clerk.ask("POST", "/imports", file("x" * 2_000_000))
    assert (status, body["code"]) == (413, "body_too_large")
    assert "2000000" in body["detail"]


async def taken_out(program: Any, path: str, **headers: str) -> tuple[int, bytes, Any]:
    answer = await program.session.get(
        f"/api/v1/exports/{path}", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    return answer.status, await answer.read(), answer


@pytest.mark.parametrize("kind", ["csv", "xlsx", "ics"])
async def test_what_goes_out_has_a_version_and_is_audited(site: Site, program: Programs, kind: str) -> None:
    clerk = await program("clerk")
    await clerk.made("/sittings", order(site))
    path = f"sittings.{kind}?from=2026-11-24&until=2026-11-24"
    status, body, answer = await taken_out(clerk, path)
    assert status == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="sittings-2026-11-24-2026-11-24.{kind}"'
    assert (await taken_out(clerk, path, If_None_Match=answer.headers["ETag"]))[:2] == (304, b"")
    await clerk.made("/sittings", order(site, "16:00", "17:00", case_number="（2026）京0105民初32号"))
    status, other, changed = await taken_out(clerk, path, If_None_Match=answer.headers["ETag"])
    assert status == 200
    assert changed.headers["ETag"] != answer.headers["ETag"]
    assert len(other) > len(body)
    assert [row.detail["kind"] for row in await audited(site.db, "sittings_exported")] == [kind] * 3


async def test_filters_choose_what_goes_out_and_what_goes_out_is_known_when_it_comes_in(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    stays = await clerk.made("/sittings", order(site))
    gone = await clerk.made("/sittings", order(site, "16:00", "17:00", case_number="（2026）京0105民初32号", room_id=site.rooms[1].id))
    await clerk.ask("POST", f"/sittings/{gone['id']}/cancel", {"reason": "撤诉"})
    days = "sittings.csv?from=2026-11-24&until=2026-11-24"
    for query, numbers in (
        ("", {"31", "32"}),
        (f"&room={site.rooms[1].id}", {"32"}),
        ("&status=planned", {"31"}),
        ("&status=planned&status=cancelled", {"31", "32"}),
        ("&case_number=(2026)京0105民初32号", {"32"}),
    ):
        _, body, _ = await taken_out(clerk, days + query)
        assert {n for n in ("31", "32") if f"民初{n}号" in body.decode("utf-8-sig")} == numbers, query
    _, body, _ = await taken_out(clerk, f"{days}&status=planned")
    known = await clerk.made("/imports", {"file_name": "list.csv", "base64": base64.b64encode(body).decode()})
    assert [(row["state"], row["sitting_id"]) for row in known["rows"]] == [("known", stays["id"])]


async def test_days_in_the_wrong_order_and_more_than_a_year_are_refused(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    for until in ("2026-11-23", "2027-11-26"):
        status, body, _ = await clerk.ask("GET", f"/exports/sittings.csv?from=2026-11-24&until={until}")
        assert (status, body["errors"][0]["parameter"]) == (422, "until")
    assert (await (await program("administrator")).ask("GET", "/exports/sittings.csv?from=2026-11-24&until=2026-11-24"))[0] == 403


async def test_short_notice_needs_a_reason_that_is_kept(site: Site, program: Programs) -> None:
    clerk = await program("clerk")
    text = listed(site, ("1", "10:00", "11:00"))
    without = await clerk.made("/imports", file(text, override_reason=""))
    assert [(e["column"], e["code"]) for e in without["rows"][0]["errors"]] == [("override_reason", "rule_notice")]
    made = await clerk.made("/imports", file(text))
    _, booked, _ = await clerk.ask("POST", f"/imports/{made['id']}/book", {"take": "all"})
    assert (await clerk.get(f"/sittings/{booked['rows'][0]['sitting_id']}"))["override_reason"] == "双方当事人同意即时开庭"
