"""Whoever may approve a destruction is told by e-mail that one waits, with its number; and of a juvenile record nobody is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from dispatch.keeping import destructions, juvenile
from dispatch.notices.lines import AskerLine
from dispatch.notices.sender import Sender
from dispatch.store.keeping_tables import Destruction
from dispatch.store.notice_tables import AskerMessage
from dispatch.store.tables import Sitting, User
from tests.dispatch.keeping.conftest import WAIT, Archive
from tests.dispatch.making import NOW
from tests.dispatch.notices.conftest import mail_settings, words
from tests.dispatch.notices.mail_server import MailBox, mail_server

REASON = "保管期限届满，鉴定后无继续保存价值"


@pytest.fixture
async def box() -> AsyncIterator[MailBox]:
    async with mail_server(MailBox()) as served:
        yield served


@pytest.fixture
async def told(archive: Archive) -> Archive:
    """A site that sends e-mail; judges and the clerk may approve, everybody has an address."""
    court = archive.court
    court.db.site = replace(court.db.site, mail=True)
    async with court.db.writer() as session:
        for user in await session.scalars(select(User)):
            user.email = f"{user.sign_in_name}@court.example"
    for name in ("zhao", "chen", "lin"):
        await archive.give(name, "approve")
    return archive


async def deliver(archive: Archive, box: MailBox, folder: Path) -> None:
    """Send everything that waits."""
    line = AskerLine(mail_settings(folder, box.port, public_url="https://court.example"), words)
    sender: Sender[AskerMessage] = Sender(archive.court.db, line, lambda: NOW, rest_s=(0.01,), idle_s=0.01)
    while await sender.work():
        pass
    await line.close()


async def proposed(archive: Archive, *sittings: Sitting) -> Destruction:
    return await destructions.propose(archive.court.db, [each.id for each in sittings], REASON, "", archive.court.clerk, NOW)


async def test_those_who_may_approve_are_told_and_never_who_proposed_it(told: Archive, box: MailBox, tmp_path: Path) -> None:
    first, other = await told.expired(), await told.expired("16:00")
    found = await proposed(told, first, other)
    await deliver(told, box, tmp_path)
    assert sorted(box.addresses) == ["chen@court.example", "lin@court.example"]
    (mail,) = box.to("chen@court.example")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "2026-0001" in mail["Subject"]
    assert f"https://court.example/keeping/destructions/{found.id}" in text
    for said in (first.case.number, REASON, "赵书宁", "所列录制数（首件如上）: 2"):
        assert said in text, said


async def test_what_was_decided_meanwhile_is_not_told(told: Archive, box: MailBox, tmp_path: Path) -> None:
    found = await proposed(told, await told.expired())
    await destructions.approve(told.court.db, found.id, told.court.judge, NOW, WAIT)
    await deliver(told, box, tmp_path)
    assert box.taken == []


async def test_no_letter_names_a_sealed_juvenile_record(told: Archive, box: MailBox, tmp_path: Path) -> None:
    before, after = await told.expired(), await told.expired("16:00")
    await told.give("zhao", "approve", "sealed")
    await juvenile.seal(told.court.db, before.id, "犯罪时不满十八周岁", told.court.clerk, NOW)
    await proposed(told, before)
    await proposed(told, after)
    await juvenile.seal(told.court.db, after.id, "犯罪时不满十八周岁", told.court.clerk, NOW)
    await deliver(told, box, tmp_path)
    assert box.taken == []


async def test_destructions_are_numbered_within_the_year_of_the_court(archive: Archive) -> None:
    found = [await proposed(archive, await archive.expired(start)) for start in ("09:00", "11:00")]
    later = NOW.replace(year=2026, month=12, day=31, hour=17)  # in Beijing it is 2027
    third = await archive.expired("16:00")
    found.append(await destructions.propose(archive.court.db, [third.id], REASON, "", archive.court.clerk, later))
    assert [each.number for each in found] == ["2026-0001", "2026-0002", "2027-0001"]
