"""The sender's lease: what a killed process had in hand is sent by the next one, and nothing else twice."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.booking import bookings
from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.notices.sender import LEASE
from dispatch.settings import Settings
from dispatch.store.database import CannotWrite
from dispatch.store.tables import utc_now
from tests.dispatch.making import NOW, URGENT, Court, at
from tests.dispatch.notices.conftest import Post
from tests.dispatch.notices.mail_server import MailBox
from tests.dispatch.notices.told import LIU, WU, messages, told_sitting

TOP = Path(__file__).resolve().parents[3]
SENDER = """
import asyncio, sys
from datetime import timedelta
from dispatch.notices.lines import MailLine
from dispatch.notices.sender import Sender
from dispatch.settings import Settings
from dispatch.store.database import Database
from dispatch.store.tables import utc_now
from dispatch.web.translations import catalogue

async def main(url, port, minutes):
    settings = Settings(smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none", mail_from="sittings@court.example")
    db = await Database.connect(url)
    line = MailLine(db, settings, lambda language: catalogue(language).gettext)
    await Sender(db, line, lambda: utc_now() + timedelta(minutes=minutes), idle_s=0.05).run()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""
"""A process of its own that sends e-mail, by a clock that is so many minutes ahead."""


async def test_two_senders_never_take_the_same(court: Court, box: MailBox, settings: Settings) -> None:
    for day in range(1, 6):
        await told_sitting(court, days=day, case_number=f"（2026）京0105民初{day}号")
    one, two = Post(court, settings), Post(court, settings)
    await asyncio.gather(one.deliver(), two.deliver())
    await asyncio.gather(one.line.close(), two.line.close())
    assert sorted(box.addresses) == [LIU] * 5 + [WU] * 5
    assert len({mail["Message-ID"] for _, mail in box.taken}) == 10


async def test_what_is_in_hand_is_taken_by_another_only_when_its_lease_has_run_out(
    court: Court, box: MailBox, post: Post, settings: Settings
) -> None:
    await told_sitting(court, participants=(ParticipantDraft("刘芳", "party", email=LIU),))
    box.hold.clear()
    slow = asyncio.create_task(post.sender.work())
    await box.reached.wait()
    other = Post(court, settings, NOW + LEASE - timedelta(seconds=1))
    assert await other.sender.work() is False
    other.now = NOW + LEASE
    second = asyncio.create_task(other.sender.work())
    async with asyncio.timeout(30):
        while [message.attempts for message in await messages(court.db, kind="invitation")] != [2]:
            await asyncio.sleep(0.01)
    box.hold.set()
    await asyncio.gather(slow, second)
    await other.line.close()
    assert [message.state for message in await messages(court.db, kind="invitation")] == ["sent"]
    assert len({mail["Message-ID"] for mail in box.to(LIU)}) == 1, "the receiver's side knows both as one"


async def test_a_process_that_is_killed_in_the_midst_loses_and_doubles_nothing(court: Court, box: MailBox, settings: Settings) -> None:
    start = utc_now()
    for number in range(3):
        begins = start.replace(minute=0, second=0, microsecond=0) + timedelta(days=number + 4)
        case = f"（2026）京0105民初{number}号"
        await told_sitting(court, now=start, starts_at=begins, ends_at=begins + timedelta(hours=1), case_number=case)

    async def sender(minutes: int) -> asyncio.subprocess.Process:
        arguments = (court.db.url, str(box.port), str(minutes))
        return await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, *arguments, cwd=TOP, stdout=asyncio.subprocess.DEVNULL)

    killed = await sender(0)
    async with asyncio.timeout(60):
        while len(box.taken) < 2:
            await asyncio.sleep(0.01)
        box.reached.clear()
        box.hold.clear()
        await box.reached.wait()
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    (in_hand,) = await messages(court.db, state="sending")
    # The server has not said that it took this one, and never will: SMTP leaves it with the sender.
    box.hold.set()
    await asyncio.sleep(0)
    second = await sender(int(LEASE.total_seconds() // 60) + 1)
    async with asyncio.timeout(60):
        while len(await messages(court.db, kind="invitation", state="sent")) < 6:
            await asyncio.sleep(0.05)
    second.terminate()
    await second.wait()
    ids = [mail["Message-ID"] for _, mail in box.taken]
    assert len(set(ids)) == 6, "nothing is lost"
    again = [each for each in set(ids) if ids.count(each) > 1]
    assert again in ([], [f"<{in_hand.id}@court.example>"]), "only what was in hand can have come twice"


async def test_a_sender_that_is_told_to_stop_finishes_what_it_has_in_hand(court: Court, box: MailBox, post: Post) -> None:
    await told_sitting(court)
    box.hold.clear()
    running = asyncio.create_task(post.sender.run())
    await box.reached.wait()
    running.cancel()
    await asyncio.sleep(0)
    box.hold.set()
    await asyncio.gather(running, return_exceptions=True)
    assert len(box.taken) == 1
    assert sorted(message.state for message in await messages(court.db, kind="invitation")) == ["queued", "sent"]


async def test_a_sender_ends_though_a_call_kept_the_order_to_itself(court: Court, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """As asyncio.wait_for does until Python 3.12 with one that comes when its own result does."""
    rests = asyncio.Event()

    async def rest() -> None:
        if rests.is_set():
            return
        rests.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(post.line, "rest", rest)
    running = asyncio.create_task(post.sender.run())
    await rests.wait()
    running.cancel()
    ended, _ = await asyncio.wait({running}, timeout=30)
    running.cancel()
    assert ended, "it goes on"


async def test_a_message_that_breaks_the_program_holds_up_no_other(
    court: Court, box: MailBox, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told_sitting(court)
    write = post.line._writer.mail

    def breaks(message: object, *rest: object) -> object:
        if getattr(message, "address", "") == LIU:
            raise RuntimeError("no such text")
        return write(message, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(post.line._writer, "mail", breaks)
    await post.deliver()
    assert box.addresses == [WU]
    assert [m.outcome for m in await messages(court.db, kind="invitation", address=LIU)] == ["RuntimeError: no such text"]


async def test_a_full_disk_makes_nothing_be_sent_twice(court: Court, box: MailBox, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has taken it and the disk takes no row of it: it is written as soon as there is space."""
    await told_sitting(court)
    own, failures = post.sender._own, [2]

    async def full(*arguments: object) -> object:
        if failures[0]:
            failures[0] -= 1
            raise CannotWrite("store_full")
        return await own(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(post.sender, "_own", full)
    await post.deliver()
    assert sorted(box.addresses) == [LIU, WU]
    assert failures == [0]
    assert {message.state for message in await messages(court.db, kind="invitation")} == {"sent"}


async def test_a_change_while_a_message_is_on_its_way_is_told_after_it(court: Court, box: MailBox, post: Post) -> None:
    sitting = await told_sitting(court)
    box.hold.clear()
    slow = asyncio.create_task(post.sender.work())
    await box.reached.wait()
    await bookings.move(court.db, sitting.id, court.room.id, at("15:00"), at("16:00"), court.clerk, NOW, override_reason=URGENT)
    box.hold.set()
    await slow
    await post.deliver()
    first = box.addresses[0]
    assert [mail["Subject"][:2] for mail in box.to(first)] == ["开庭", "庭审"], "the invitation, then the change"
    assert len(box.taken) == 3
