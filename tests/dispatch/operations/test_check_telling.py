"""The check says whether people can be told: by a real mail server, and by whatever listens where the gateway should be."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from dispatch.operations import check_telling
from dispatch.settings import Settings
from dispatch.web.translations import catalogue
from tests.dispatch.notices.conftest import mail_settings
from tests.dispatch.notices.mail_server import MailBox, mail_server


async def test_the_mail_server_is_greeted_and_nothing_is_sent(tmp_path: Path) -> None:
    async with mail_server(MailBox()) as box:
        found = await asyncio.to_thread(check_telling.mail, mail_settings(tmp_path, box.port))
        assert (found.state, found.code, found.data["name"]) == ("ok", "well", "mail.court.example")
        encrypted = mail_settings(tmp_path, box.port, smtp_tls="starttls")
        assert (await asyncio.to_thread(check_telling.mail, encrypted)).state == "mend"
    assert box.taken == []


async def test_a_wrong_password_and_a_server_that_is_away_are_to_mend(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    async with mail_server(MailBox(), password="quiet-2026") as box:
        signed = {"smtp_user": "court", "smtp_password_file": tmp_path / "password"}
        refused = await asyncio.to_thread(check_telling.mail, mail_settings(tmp_path, box.port, **signed))
        assert (refused.code, "535" in str(refused.data["why"])) == ("silent", True)
    away = await asyncio.to_thread(check_telling.mail, mail_settings(tmp_path, box.port))
    assert away.state == "mend"
    assert f"127.0.0.1:{box.port}" in away.text(catalogue("en").gettext)
    assert "DISPATCH_SMTP_HOST" in away.text(catalogue("zh-CN").gettext)


def test_a_site_that_tells_nobody_is_no_fault(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert [(found.state, found.code) for found in (check_telling.mail(settings), check_telling.sms(settings))] == [("note", "off")] * 2


def test_a_gateway_is_looked_for_where_it_should_be(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        settings = Settings(data=tmp_path, sms_url=f"http://127.0.0.1:{port}/send")
        assert check_telling.sms(settings).state == "ok"
        keyless = Settings(data=tmp_path, sms_url=f"http://127.0.0.1:{port}/send", sms_headers_file=tmp_path / "nowhere")
        assert check_telling.sms(keyless).state == "mend"
    assert check_telling.sms(settings).state == "mend"
