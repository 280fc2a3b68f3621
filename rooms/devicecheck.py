"""The device check: a loop-back router, so that a browser proves its media path over UDP before the sitting.

A check is named by a key of the caller's choice. The browser publishes to it and subscribes to the same tracks through a
second endpoint, so what it decodes has gone to the engine and back. A check ends by itself after :data:`LIFE_S`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rooms.media.engine import Engine, EngineError, EngineEvent, Offer, Published, Routing, Source, TrackKey
from rooms.protocol import Ice, UserError
from rooms.relay import Relay

LIFE_S = 120.0
LIMIT = 50
"""Checks at one time on one server."""
CHECKED = frozenset({Source.MICROPHONE, Source.CAMERA})
_REFUSALS = {
    "bad_sdp": "bad_sdp",
    "unsupported_codec": "unsupported_codec",
    "stale_epoch": "check_unknown",
    "unknown_router": "check_unknown",
}
SENDER, RECEIVER = "sender", "receiver"
_ROUTING = Routing(
    publish={SENDER: CHECKED, RECEIVER: frozenset()},
    watch={RECEIVER: frozenset(TrackKey(SENDER, source) for source in CHECKED)},
    continuous=frozenset({SENDER}),  # what is heard of a microphone is measured
)


@dataclass(slots=True)
class _Check:
    until_s: float
    instance: str
    offer: Offer | None = None


class DeviceChecks:
    """Every device check that is open. All methods raise UserError: "media_away", "check_unknown", "too_many_checks", "bad_sdp"."""

    def __init__(self, engine: Engine, relay: Relay | None = None) -> None:
        self._engine = engine
        self._relay = relay or Relay()
        self._checks: dict[str, _Check] = {}
        # A check outlives no server, so its epoch is the time it began: higher than that of any before.
        self._epoch = time.time_ns() // 1_000_000_000

    def ice(self, key: str) -> Ice:
        """How a browser that begins a check is to connect; `key` is its endpoint."""
        return self._relay.ice_for(key, time.time())

    async def open(self, key: str) -> None:
        """Begin a check, or begin it anew."""
        await self._expired(time.monotonic())
        if key not in self._checks and len(self._checks) >= LIMIT:
            raise UserError("too_many_checks", f"{LIMIT} device checks at one time")
        with contextlib.suppress(EngineError):
            await self._engine.close_router(_router(key), self._epoch)
        try:
            await self._engine.apply(_router(key), self._epoch, _ROUTING)
        except EngineError as error:
            raise _refusal(error) from error
        self._checks[key] = _Check(time.monotonic() + LIFE_S, self._engine.place(_router(key)))

    async def publish(self, key: str, sdp: str, sources: Mapping[str, Source]) -> Published:
        """The browser's offer (`sources`: mid → source), answered."""
        self._check(key)
        try:
            return await self._engine.publish(_router(key), self._epoch, SENDER, sdp, sources)
        except EngineError as error:
            raise _refusal(error) from error

    async def subscribe(self, key: str) -> Offer:
        """An offer of what the browser itself publishes; call it after `publish`."""
        check = self._check(key)
        try:
            check.offer = await self._engine.subscribe(_router(key), self._epoch, RECEIVER)
        except EngineError as error:
            raise _refusal(error) from error
        return check.offer

    async def answer(self, key: str, transport: str, revision: int, sdp: str) -> Offer | None:
        """The browser's answer. Returns a newer offer if the engine has made one meanwhile, to be answered too."""
        check = self._check(key)
        try:
            await self._engine.answer(_router(key), self._epoch, RECEIVER, transport, revision, sdp)
        except EngineError as error:
            if error.code != "stale_revision":
                raise _refusal(error) from error
        newest = check.offer
        return newest if newest and (newest.transport, newest.revision) != (transport, revision) else None

    async def _end(self, key: str) -> None:
        if self._checks.pop(key, None) is not None:
            with contextlib.suppress(EngineError):
                await self._engine.close_router(_router(key), self._epoch)

    async def close(self, key: str | None = None) -> None:
        """End one check, or all of them. Idempotent."""
        for one in [key] if key is not None else list(self._checks):
            await self._end(one)

    async def expire(self, now_s: float) -> None:
        """End what has lived too long; called each second with the monotonic clock."""
        await self._expired(now_s)

    def engine_changed(self) -> None:
        """Engine processes came or went; a new one knows none of the checks of the one before, and their browsers begin anew."""
        for key, check in list(self._checks.items()):
            if (instance := self._engine.place(_router(key))) and instance != check.instance:
                del self._checks[key]

    def engine_event(self, event: EngineEvent) -> None:
        """An offer of the engine for a check's receiver."""
        check = self._checks.get(event.router.removeprefix("check-"))
        if check is not None and event.name == "offer" and event.endpoint == RECEIVER:
            check.offer = event.fields["offer"]

    async def _expired(self, now_s: float) -> None:
        for key in [key for key, check in self._checks.items() if check.until_s < now_s]:
            await self._end(key)

    def _check(self, key: str) -> _Check:
        if key not in self._checks:
            raise UserError("check_unknown", "the check is over; begin again")
        return self._checks[key]


def _router(key: str) -> str:
    return f"check-{key}"


def _refusal(error: EngineError) -> UserError:
    return UserError(_REFUSALS.get(error.code, "media_away"), error.message)
