"""A copy of the database opens nothing: no password, token, secret or code is in it."""

from __future__ import annotations

import pytest

from dispatch.errors import Forbidden, UserError
from dispatch.identity import browsers, devices, invitations, people, sign_in
from dispatch.store.database import Database
from tests.dispatch.making import NOW, PASSWORD, Court, make_sitting, named


async def every_secret(court: Court) -> dict[str, str]:
    """One of each kind, made and used as in a day's work."""
    db, secrets = court.db, {"password": PASSWORD, "a new person's password": "Weisheng-2026"}
    await people.add_user(
        db, name="魏生", sign_in_name="wei", role="clerk", password=secrets["a new person's password"], by=court.users["xu"]
    )
    secrets["session"], _ = await sign_in.sign_in(db, "gao", PASSWORD, "", NOW)
    secrets["a wrong password"] = "almost-Right-1"
    with pytest.raises(Forbidden):
        await sign_in.sign_in(db, "gao", secrets["a wrong password"], "", NOW)
    sitting = await make_sitting(court)
    person = named(sitting, "刘芳")
    secrets["link"] = await invitations.link_of(db, person.id) or ""
    invitation = await invitations.open_link(db, secrets["link"], NOW)
    secrets["resume"], _ = await browsers.enter(db, sitting_id=sitting.id, invitation_id=invitation.id)
    secrets["second link"] = await invitations.reissue(db, person.id, court.clerk, NOW)
    secrets["code"], _ = await devices.create(db, court.room.id, "主机", court.users["xu"], NOW)
    secrets["code, as compared"] = devices.normal_code(secrets["code"])
    secrets["device"] = await devices.enrol(db, secrets["code"], NOW)
    secrets["a wrong code"] = "ABCDE-FGHJK"
    with pytest.raises(UserError):
        await devices.enrol(db, secrets["a wrong code"], NOW)
    return secrets


async def test_no_secret_is_written_into_the_database(court: Court) -> None:
    secrets = await every_secret(court)
    assert all(len(secret) >= 10 for secret in secrets.values())
    files = [court.file, *court.file.parent.glob("dispatch.db-*")]
    written = b"".join(file.read_bytes() for file in files)
    assert "刘芳".encode() in written  # what is looked at is what was written
    assert [name for name, secret in secrets.items() if secret.encode() in written] == []


async def test_what_is_not_written_still_works_after_a_restart(court: Court) -> None:
    secrets = await every_secret(court)
    again = await Database.connect(court.db.url, court.db.site)
    try:
        assert await sign_in.session(again, secrets["session"], NOW) is not None
        assert await devices.device(again, secrets["device"]) is not None
        assert (await invitations.open_link(again, secrets["second link"], NOW)).participant.name == "刘芳"
    finally:
        await again.close()
