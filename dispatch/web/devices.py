"""Rooms and their own devices: the clerk connects and takes away; the device enrols by a code and lists its room's sittings."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.errors import UserError
from dispatch.identity import browsers, devices
from dispatch.sittings import sittings
from dispatch.store.tables import Room, RoomDevice, Sitting
from dispatch.web import lookups
from dispatch.web.access import CLERK, PUBLIC, Route, roles
from dispatch.web.attempts import ENROL_ATTEMPTS
from dispatch.web.day_grid import ENTERABLE, room_name
from dispatch.web.days import today
from dispatch.web.formats import clock
from dispatch.web.joining import is_early, opens_at
from dispatch.web.middleware import DEVICE_COOKIE, YEAR
from dispatch.web.reach import reach
from dispatch.web.request import (
    Request,
    Response,
    address,
    ctx,
    error_text,
    form,
    gettext,
    language,
    me,
    render,
    room_device,
    see_other,
    set_cookie,
    zone,
)


@dataclass(frozen=True)
class RoomEntry:
    """A room with its devices, as the clerk's page lists them."""

    room: Room
    name: str
    devices: list[RoomDevice]


async def _rooms_page(request: Request, *, code: dict[str, str] | None = None, error: str = "", status: int = 200) -> Response:
    db = ctx(request).db
    connected = await lookups.room_devices(db)
    entries = [RoomEntry(room, room_name(room, language(request)), connected.get(room.id, [])) for room in await lookups.rooms(db)]
    board = f"{ctx(request).settings.public_url}/board"
    return render(request, "staff/rooms.html", status=status, rooms=entries, code=code, error=error, reach=reach(request), board=board)


async def show_rooms(request: Request) -> Response:
    """All rooms with their devices."""
    return await _rooms_page(request)


async def connect(request: Request) -> Response:
    """A new device: its code is shown on this answer and never again."""
    context, fields = ctx(request), await form(request)
    text, device = await devices.create(context.db, request.match_info["room"], fields.get("name", ""), me(request), context.clock())
    until = clock(device.code_expires_at, zone(request)) if device.code_expires_at else ""
    shown = {
        "text": text,
        "name": device.name,
        "room": room_name(device.room, language(request)),
        "address": f"{context.settings.public_url}/device",
        "until": until,
    }
    return await _rooms_page(request, code=shown)


async def take_away(request: Request) -> Response:
    """Revoke a device; a sitting it carries loses it at once."""
    context = ctx(request)
    await devices.revoke(context.db, request.match_info["device"], me(request), context.clock())
    await context.live.device_revoked(request.match_info["device"])
    return see_other("/rooms")


@dataclass(frozen=True)
class DeviceEntry:
    """A sitting as the room's device lists it. `people`: who sits at it now, else who is booked for the room; `words` says why it
    cannot be entered."""

    sitting: Sitting
    enters: bool
    seated: bool
    people: str
    words: str


async def _entry(request: Request, sitting: Sitting, device: RoomDevice) -> DeviceEntry:
    _, context = gettext(request), ctx(request)
    enters = sitting.status in ENTERABLE and not is_early(request, sitting)
    browser = await browsers.enter_room(context.db, sitting.id, device, language(request)) if enters else None
    seated = context.hub.sitting_at(sitting.id, browser.endpoint) if browser else ()
    people = [person.name for person in sitting.participants if (person.id in seated if seated else person.seat == "room")]
    words = ""
    if sitting.status == "closed":
        words = _("This sitting is over.")
    elif not enters:
        words = _("Opens at {time}.", time=clock(opens_at(request, sitting), zone(request)))
    return DeviceEntry(sitting, enters, bool(seated), (", " if language(request) == "en" else "、").join(people), words)


async def show_device(request: Request) -> Response:
    """The device's own page: today's sittings of its room; before it is connected, the field for the code."""
    device = room_device(request)
    if device is None:
        return render(request, "device/enrol.html", code="", error="")
    listed = await sittings.of_day(ctx(request).db, today(request), zone(request))
    entries = [
        await _entry(request, sitting, device) for sitting in listed if sitting.status != "cancelled" and sitting.is_in(device.room_id)
    ]
    return render(request, "device/room.html", room_name=room_name(device.room, language(request)), entries=entries)


async def enrol(request: Request) -> Response:
    """Exchange the code for the device's cookie."""
    context, code = ctx(request), (await form(request)).get("code", "")
    _ = gettext(request)
    if not request.app[ENROL_ATTEMPTS].allowed(address(request), context.clock().timestamp()):
        text = _("Too many tries. Wait ten minutes and ask the clerk for a new code.")
        return render(request, "device/enrol.html", status=429, code="", error=text)
    try:
        token = await devices.enrol(context.db, code, context.clock())
    except UserError as error:
        return render(request, "device/enrol.html", status=error.status, code=code, error=error_text(request, error))
    response = see_other("/device")
    set_cookie(request, response, DEVICE_COOKIE, token, max_age=YEAR)
    return response


CLERKS = roles(CLERK)

ROUTES = (
    Route("GET", "/rooms", show_rooms, CLERKS),
    Route("POST", "/rooms/{room}/devices", connect, CLERKS),
    Route("POST", "/rooms/{room}/devices/{device}/revoke", take_away, CLERKS),
    Route("GET", "/device", show_device, PUBLIC),
    Route("POST", "/device", enrol, PUBLIC),
)
