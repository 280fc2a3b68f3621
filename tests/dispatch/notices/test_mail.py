"""E-mail by a real mail server: what arrives, what is tried again, what is given up."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from dispatch.booking import bookings
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.identity import invitations, people
from dispatch.notices.mail import MailServer
from dispatch.notices.sender import Unreachable
from dispatch.operations.authority import certify
from dispatch.settings import Settings
from tests.dispatch.making import NOW, URGENT, Court, at, named
from tests.dispatch.notices.conftest import Post, mail_settings
from tests.dispatch.notices.mail_server import MailBox, mail_server, parts
from tests.dispatch.notices.told import LIU, WU, messages, told_sitting
from tests.dispatch.notices.understood import understood, utc


async def test_an_invitation_brings_the_link_in_both_languages_and_a_calendar_entry(court: Court, box: MailBox, post: Post) -> None:
    sitting = await told_sitting(court)
    await post.deliver()
    assert sorted(box.addresses) == [LIU, WU]
    mail = box.to(LIU)[0]
    link = f"https://court.example/join/{await invitations.link_of(court.db, named(sitting, '刘芳').id)}"
    assert mail["Subject"].startswith("开庭通知：云河物业公司与刘芳物业服务合同纠纷案")
    assert (mail["From"], mail["To"]) == ("京州市云河区人民法院 <sittings@court.example>", f"刘芳 <{LIU}>")
    assert mail["Auto-Submitted"] == "auto-generated"
    found = parts(mail)
    for text in (found["text/plain"], found["text/html"]):
        assert link in text
        assert text.index("2026年11月24日 星期二 14:00–15:00 (UTC+08:00)") < text.index("Tuesday 24 November 2026 14:00–15:00 (UTC+08:00)")
        assert text.index("第一法庭") < text.index("Court room 1")
        assert "（2026）京0105民初31号" in text
    calendar = understood(found["sitting.ics"].encode())
    assert calendar == understood(found["text/calendar"].encode())
    (event,) = calendar["events"]
    assert (calendar["method"], utc(event["start"]), event["url"]) == ("REQUEST", at("14:00"), link)
    assert [one["address"] for one in event["attendees"]] == [f"mailto:{LIU}"], "nobody learns the others' addresses"


@pytest.mark.parametrize(
    ("kind", "role", "subject", "opening"),
    [
        ("petition_intake", "petitioner", "接访通知：", "现通知您参加下列接访。"),
        ("round_table", "member", "会议通知：", "现通知您参加下列会议。"),
    ],
)
async def test_people_are_told_of_the_kind_of_sitting_that_it_is(
    court: Court, box: MailBox, post: Post, kind: str, role: str, subject: str, opening: str
) -> None:
    people = (ParticipantDraft("刘芳", role, email=LIU), ParticipantDraft("韩松", "guest" if role == "member" else "officer"))
    await told_sitting(court, kind=kind, participants=people)
    await post.deliver()
    mail = box.to(LIU)[0]
    assert mail["Subject"].startswith(subject)
    text = parts(mail)["text/plain"]
    assert opening in text
    assert "庭" not in text.replace("第一法庭", "")


async def test_who_sits_in_the_room_gets_no_link(court: Court, box: MailBox, post: Post) -> None:
    await told_sitting(court)
    await post.deliver()
    text = parts(box.to(WU)[0])["text/plain"]
    assert "请按时到上述地点" in text
    assert "/join/" not in text


async def test_a_change_and_a_cancellation_are_followed_by_calendars(court: Court, box: MailBox, post: Post) -> None:
    sitting = await told_sitting(court)
    await post.deliver()
    await bookings.move(court.db, sitting.id, court.other_room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason=URGENT)
    await post.deliver()
    await bookings.cancel(court.db, sitting.id, "法官病假", court.clerk, NOW)
    await post.deliver()
    invited, changed, cancelled = box.to(LIU)
    text = parts(changed)["text/plain"]
    assert "原定时间: 2026年11月24日 星期二 14:00–15:00" in text
    assert "原定地点: 第一法庭" in text
    assert "法官病假" in parts(cancelled)["text/plain"]
    entries = [understood(parts(mail)["sitting.ics"].encode()) for mail in (invited, changed, cancelled)]
    assert [entry["method"] for entry in entries] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [entry["events"][0]["sequence"] for entry in entries] == [0, 1, 2]
    assert len({entry["events"][0]["uid"] for entry in entries}) == 1
    assert len({mail["Message-ID"] for mail in (invited, changed, cancelled)}) == 3


async def test_the_language_of_the_receiver_comes_first(court: Court, box: MailBox, post: Post) -> None:
    await people.change_user(
        court.db, court.judge.id, lambda user: replace(people.draft_of(user), email="chen@court.example", language="en"), court.clerk
    )
    await told_sitting(court)
    await post.deliver()
    mail = box.to("chen@court.example")[0]
    text = parts(mail)["text/plain"]
    assert mail["Subject"].startswith("Notice of hearing: ")
    assert text.index("Notice of hearing") < text.index("开庭通知")
    assert "/sittings/" in text, "staff sign in"


async def test_a_title_that_is_markup_stays_text(court: Court, box: MailBox, post: Post) -> None:
    await told_sitting(court, title="<b>一</b>\r\nBcc: evil@example.com", case_title="<script>")
    await post.deliver()
    mail = box.to(LIU)[0]
    assert mail["Bcc"] is None
    assert "&lt;b&gt;" in parts(mail)["text/html"]
    assert sorted(box.addresses) == [LIU, WU]


async def test_a_refused_address_is_given_up_with_the_servers_words_and_holds_up_nobody(court: Court, box: MailBox, post: Post) -> None:
    box.refused[LIU] = "550 5.1.1 no such user here"
    await told_sitting(court)
    await post.deliver()
    assert box.addresses == [WU]
    (message,) = await messages(court.db, kind="invitation", address=LIU)
    assert (message.state, message.outcome, message.attempts) == ("failed", "550 5.1.1 no such user here", 1)


async def test_what_the_server_puts_off_is_tried_again_after_growing_waits(court: Court, box: MailBox, post: Post) -> None:
    box.refused[LIU] = "450 4.2.1 greylisted"
    await told_sitting(court, days=5)
    due = []
    for _ in range(3):
        await post.deliver()
        (message,) = await messages(court.db, kind="invitation", address=LIU)
        assert (message.state, message.outcome) == ("queued", "450 4.2.1 greylisted")
        due.append(message.next_at - post.now)
        post.now = message.next_at
    assert due == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    del box.refused[LIU]
    await post.deliver()
    assert box.addresses == [WU, LIU]
    assert [message.state for message in await messages(court.db, kind="invitation", address=LIU)] == ["sent"]


async def test_a_mail_that_was_put_off_at_its_end_keeps_its_message_id(court: Court, box: MailBox, post: Post) -> None:
    box.answers = ["451 4.3.0 try again later"]
    await told_sitting(court, days=5)
    await post.deliver()
    (later,) = await messages(court.db, kind="invitation", state="queued")
    post.now += timedelta(minutes=1)
    await post.deliver()
    assert sorted(box.addresses) == [LIU, WU]
    assert [mail["Message-ID"] for mail in box.to(later.address)] == [f"<{later.id}@court.example>"]


async def test_a_server_that_is_away_costs_no_message_and_is_found_when_it_is_back(court: Court, settings: Settings) -> None:
    box = MailBox()
    async with mail_server(box):
        pass  # now its port is free, and nobody is there
    post = Post(court, settings.model_copy(update={"smtp_port": box.port}))
    await told_sitting(court)
    running = asyncio.create_task(post.sender.run())
    async with asyncio.timeout(30):
        while not (tried := [message for message in await messages(court.db, kind="invitation", state="queued") if message.outcome]):
            await asyncio.sleep(0.02)
    assert [message.attempts for message in tried] == [0]
    async with mail_server(box, box.port), asyncio.timeout(30):
        while len(await messages(court.db, kind="invitation", state="sent")) < 2:
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert sorted(box.addresses) == [LIU, WU]


async def test_a_reminder_comes_in_time_and_none_of_what_was_cancelled(court: Court, box: MailBox, post: Post) -> None:
    sitting = await told_sitting(court, days=5)
    await post.deliver()
    post.now = at("14:00", 3)
    await post.deliver()
    assert [mail["Subject"][:4] for mail in box.to(LIU)] == ["开庭通知", "开庭提醒"]
    await bookings.cancel(court.db, sitting.id, "法官病假", court.clerk, post.now)
    post.now = at("13:00", 5)
    await post.deliver()
    assert [mail["Subject"][:4] for mail in box.to(LIU)] == ["开庭通知", "开庭提醒", "庭审取消"]


async def test_what_was_moved_while_it_waited_is_not_sent(court: Court, box: MailBox, post: Post) -> None:
    """As when the sender was away when the booking changed: it looks again before it sends."""
    sitting = await told_sitting(court, days=5)
    async with court.db.writer() as session:
        (await session.merge(sitting)).revise(NOW)
    await post.deliver()
    assert box.taken == []
    assert {message.state for message in await messages(court.db, kind="invitation")} == {"superseded"}


async def test_an_invitation_whose_link_was_revoked_is_not_sent(court: Court, box: MailBox, post: Post) -> None:
    sitting = await told_sitting(court)
    await invitations.revoke(court.db, named(sitting, "刘芳").id, "clerk", court.clerk, NOW)
    await post.deliver()
    assert box.addresses == [WU]


async def test_what_comes_too_late_is_given_up(court: Court, box: MailBox, post: Post) -> None:
    sitting = await told_sitting(court)
    post.now = sitting.ends_at
    await post.deliver()
    assert box.taken == []
    assert {(m.state, m.outcome) for m in await messages(court.db, kind="invitation")} == {("failed", "expired")}


async def test_one_connection_carries_all_that_waits(court: Court, box: MailBox, post: Post) -> None:
    await told_sitting(court)
    await post.deliver()
    assert (len(box.taken), box.connections) == (2, 1)


# -- the way to the server ------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server at localhost encrypts with, and the authority that vouches for it."""
    folder = tmp_path / "authority"
    certify(folder, "127.0.0.1", "court", datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context, folder / "authority.crt"


async def test_by_starttls_with_a_password_that_is_in_a_file(tmp_path: Path, tls: tuple[ssl.SSLContext, Path]) -> None:
    context, authority = tls
    (tmp_path / "password").write_text("quiet-2026\n")
    async with mail_server(MailBox(), tls=context, password="quiet-2026") as box:
        secret = {"smtp_user": "court", "smtp_password_file": tmp_path / "password"}
        settings = mail_settings(tmp_path, box.port, smtp_tls="starttls", smtp_ca=authority, **secret)
        server = MailServer(settings)
        await server.deliver(_mail(), LIU)
        await server.close()
        assert box.addresses == [LIU]
        assert await MailServer(settings).greet() == "mail.court.example"
        (tmp_path / "password").write_text("wrong\n")
        with pytest.raises(Unreachable, match="535"):
            await MailServer(settings).greet()


async def test_a_server_without_encryption_gets_nothing_where_it_is_asked_for(tmp_path: Path, box: MailBox) -> None:
    settings = mail_settings(tmp_path, box.port, smtp_tls="starttls")
    with pytest.raises(Unreachable):
        await MailServer(settings).deliver(_mail(), LIU)
    assert box.taken == []


async def test_a_certificate_that_is_not_trusted_is_not_trusted(tmp_path: Path, tls: tuple[ssl.SSLContext, Path]) -> None:
    context, _ = tls
    async with mail_server(MailBox(), tls=context) as box:
        settings = mail_settings(tmp_path, box.port, smtp_tls="starttls")
        with pytest.raises(Unreachable, match="certificate verify failed"):
            await MailServer(settings).greet()


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "test"
    mail.set_content("test")
    return mail
