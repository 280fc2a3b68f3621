"""A room of the VideoRoom plugin: its name and passwords, which follow from the sitting and Janus's ``admin_key`` alone."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from rooms.media.engine import EngineError

from .connection import INVALID_SDP, LOST, NO_SUCH_ROOM, ROOM_EXISTS, SILENT, Handle, JanusError, Reply

PREFIX = "dispatch-"
MOST_PUBLISHERS = 64
ROOM = {
    "is_private": True,
    "publishers": MOST_PUBLISHERS,
    "bitrate": 0,
    "audiocodec": "opus",
    "videocodec": "vp8,h264",
    "h264_profile": "42e01f",
    "opus_fec": True,
    "transport_wide_cc_ext": False,
    "playoutdelay_ext": False,
    "audiolevel_ext": True,
    "audiolevel_event": True,
    "audio_active_packets": 25,
    "audio_level_average": 40,
    "require_pvtid": False,
    "notify_joining": False,
    "lock_record": True,
    "dummy_publisher": True,
    "dummy_streams": [{"codec": "opus"}],
}
"""Not listed, recorded by nobody but us, bit rates by REMB. The placeholder gives a section to whoever may watch nothing yet."""


def derived(admin_key: str, purpose: str, name: str) -> str:
    """A name or password that only who knows `admin_key` can find: HMAC-SHA-256 (RFC 2104), 128 bits of it."""
    return hmac.new(admin_key.encode(), f"{purpose}:{name}".encode(), hashlib.sha256).hexdigest()[:32]


def refused(error: Exception, otherwise: str = "failed") -> EngineError:
    """What the server is told when Janus refused or is not there."""
    code = error.code if isinstance(error, JanusError) else 0
    return EngineError({LOST: "lost", SILENT: "timeout", INVALID_SDP: "bad_sdp"}.get(code, otherwise), f"Janus: {error}")


class Place:
    """The room of one sitting, spoken to through `control`."""

    def __init__(self, control: Handle, admin_key: str, sitting: str) -> None:
        self.sitting = sitting
        self.room = PREFIX + derived(admin_key, "room", sitting)
        self.pin = derived(admin_key, "pin", self.room)
        self.admin_key = admin_key
        self.placeholder = ""
        self._control = control
        self._secret = derived(admin_key, "secret", self.room)

    async def ask(self, request: str, **body: Any) -> Reply:
        """A request about this room, with the rights of its owner; raises :class:`JanusError`."""
        return await self._control.ask(request, room=self.room, secret=self._secret, **body)

    async def make(self) -> None:
        """Make the room, empty: one that a former process left is destroyed first. Raises EngineError."""
        # Nobody may publish whose token was not added: the list of those that are begins empty.
        fields = {**ROOM, "pin": self.pin, "allowed": [derived(self.admin_key, "nobody", self.room)], "admin_key": self.admin_key}
        try:
            try:
                await self.ask("create", **fields)
            except JanusError as error:
                if error.code != ROOM_EXISTS:
                    raise
                await self.ask("destroy")
                await self.ask("create", **fields)
            participants = (await self.ask("listparticipants")).data["participants"]
            self.placeholder = str(next(p["id"] for p in participants if p.get("dummy")))
        except (JanusError, LookupError, StopIteration) as error:
            raise refused(error) from None

    async def destroy(self) -> None:
        """End the room and everything in it. One that is gone is no error; raises :class:`JanusError`."""
        try:
            await self.ask("destroy")
        except JanusError as error:
            if error.code != NO_SUCH_ROOM:
                raise


async def destroy_all(control: Handle, admin_key: str) -> int:
    """Destroy every room that a former process of ours left in this Janus; returns how many."""
    rooms = (await control.ask("list", admin_key=admin_key)).data["list"]
    left = [str(room["room"]) for room in rooms if str(room["room"]).startswith(PREFIX)]
    for room in left:
        await control.ask("destroy", room=room, secret=derived(admin_key, "secret", room))
    return len(left)
