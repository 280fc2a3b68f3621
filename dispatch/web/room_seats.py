"""A room's own device before the hearing and in it: who sits there, each one's own consent, the device check for all of them.

The people are chosen on one page; then each reads the notice and consents for himself, with his name above it. Who refuses
does not sit down, and the others go on. Those who are still to be asked, and those who refused, are named in the address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dispatch.errors import UserError
from dispatch.store.tables import Participant
from dispatch.web.access import DEVICE, Route
from dispatch.web.entrants import ENDED, Entrant, by_device
from dispatch.web.formats import clock
from dispatch.web.joining import ended, has_consented, is_early, not_agreed, notice_for
from dispatch.web.notice import Notice
from dispatch.web.request import (
    Request,
    Response,
    address,
    answer,
    ctx,
    error_text,
    form,
    gettext,
    problem,
    render,
    see_other,
    translate,
    zone,
)
from rooms.procedure import PROCEDURES, Procedure
from rooms.protocol import Id


@dataclass(frozen=True)
class Place:
    """A participant as the room's device lists him. `here`: sits at this device; `may`: may sit down, or stay; `words`: his state,
    or why he may not."""

    person: Participant
    here: bool
    may: bool
    words: str


async def _present(request: Request) -> Entrant | Response:
    """The device in its sitting, the conference open; or where it has to go instead."""
    found = await by_device(request)
    if found.sitting.status in ENDED:
        return ended(request, found.sitting)
    if is_early(request, found.sitting):
        return see_other("/device")
    await ctx(request).live.ensure_open(found.sitting.id)
    return await by_device(request)


def places(request: Request, found: Entrant) -> list[Place]:
    """Everybody of the sitting, in order; the conference decides, this says it beforehand."""
    overview = ctx(request).hub.overview(found.sitting.id)
    live = {person["id"]: person for person in overview.participants} if overview else {}
    return [_place(request, found, person, live.get(person.id, {})) for person in found.sitting.participants]


def _procedure(request: Request, found: Entrant) -> Procedure:
    """The version by which the sitting is held."""
    return ctx(request).hub.procedure(found.sitting.id) or PROCEDURES[found.sitting.kind]


def _place(request: Request, found: Entrant, person: Participant, live: Mapping[str, Any]) -> Place:
    _ = gettext(request)
    if person in found.participants:
        waits = live.get("presence") == "waiting" and live.get("endpoint") is None
        return Place(person, True, True, _("Waits to be let in") if waits else _("Sits at this device"))
    if person.role in _procedure(request, found).enters_at_once:
        return Place(person, False, False, _("Enters from their own account"))
    if live.get("presence") == "removed":
        return Place(person, False, False, _("Was removed by the chair"))
    if live.get("endpoint"):
        return Place(person, False, False, _("Is here at another device"))
    if person.consented_at is not None:
        return Place(person, False, True, _("Consented at {time}", time=clock(person.consented_at, zone(request))))
    return Place(person, False, True, _("Booked for this room") if person.seat == "room" else "")


# ------------------------------------------------------------------------------------------------ who sits here


def _people_page(request: Request, found: Entrant, *, error: str = "", status: int = 200, chosen: Iterable[str] | None = None) -> Response:
    listed = places(request, found)
    if chosen is None:
        seated = [place.person.id for place in listed if place.here]
        chosen = seated or [place.person.id for place in listed if place.may and place.person.seat == "room"]
    refused = _named(found, request.query.get("refused", ""))
    return render(
        request, "device/people.html", status=status, sitting=found.sitting, places=listed, chosen=set(chosen), error=error, refused=refused
    )


async def show_people(request: Request) -> Response:
    """First step: who of the sitting's participants sits in this room."""
    found = await _present(request)
    return _people_page(request, found) if isinstance(found, Entrant) else found


async def choose(request: Request) -> Response:
    """Whoever sits here no more stands up, whoever has consented sits down, and whoever has not is asked."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    wanted = {str(value) for value in (await request.post()).getall("sits", [])}
    chosen = [place.person for place in places(request, found) if place.may and place.person.id in wanted]
    apart = _procedure(request, found).apart
    error = ""
    if not chosen:
        error = translate(request, "Please choose at least one person.")
    elif len(chosen) > 1 and any(person.role in apart for person in chosen):
        error = translate(request, "error.sits_apart")
    if error:
        return _people_page(request, found, error=error, status=422, chosen=[person.id for person in chosen])
    try:
        for person in found.participants:
            if person not in chosen:
                await ctx(request).live.stand_up(found.sitting.id, person.id, **_at(request, found))
        for person in chosen:
            if has_consented(person):
                await ctx(request).live.sit_down(found.sitting.id, person.id, **_at(request, found))
    except UserError as refusal:
        return _people_page(request, await by_device(request), error=error_text(request, refusal), status=refusal.status)
    return _go_on(found, [person.id for person in chosen if not has_consented(person)], ())


def _at(request: Request, found: Entrant) -> dict[str, str]:
    return {"endpoint": found.browser.endpoint, "device": found.browser.device, "address": address(request)}


def _named(found: Entrant, ids: str) -> list[Participant]:
    """The participants of a list in the address; what is none of the sitting's is left out."""
    wanted = ids.split(",")
    return [person for person in found.sitting.participants if person.id in wanted]


def _go_on(found: Entrant, people: Iterable[str], refused: Iterable[str]) -> Response:
    """On to the next one who has to be asked, or to the check once all have been."""
    people = list(people)
    query = urlencode({key: ",".join(ids) for key, ids in (("people", people), ("refused", refused)) if ids})
    return see_other(f"/device/sittings/{found.sitting.id}/{'consent' if people else 'check'}" + (f"?{query}" if query else ""))


# ------------------------------------------------------------------------------------------------ one consent each


async def show_consent(request: Request) -> Response:
    """Second step, once for each: the notice, and consent by an act of that person."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    asked = [person for person in _named(found, request.query.get("people", "")) if not has_consented(person)]
    if not asked:
        return _go_on(found, (), [person.id for person in _named(found, request.query.get("refused", ""))])
    return await _consent_page(request, found, asked)


async def _consent_page(request: Request, found: Entrant, asked: list[Participant], *, error: str = "", status: int = 200) -> Response:
    refused = _named(found, request.query.get("refused", ""))
    return render(
        request,
        "device/consent.html",
        status=status,
        sitting=found.sitting,
        person=asked[0],
        after=asked[1:],
        people=",".join(person.id for person in asked),
        refused=refused,
        refused_ids=",".join(person.id for person in refused),
        notice=await notice_for(request, found.sitting),
        error=error,
    )


async def consent(request: Request) -> Response:
    """The act of one person: he agrees and sits down, or he does not and the next is asked."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    fields, text = await form(request), await notice_for(request, found.sitting)
    asked = [person for person in _named(found, request.query.get("people", "")) if not has_consented(person)]
    refused = [person.id for person in _named(found, request.query.get("refused", ""))]
    if not asked:
        return _go_on(found, (), refused)
    person, after = asked[0], [each.id for each in asked[1:]]
    if fields.get("person") != person.id:  # sent twice, or from a page that was left open
        return _go_on(found, [each.id for each in asked], refused)
    if fields.get("act") == "refuse":
        await _refuses(request, found, person, text)
        return _go_on(found, after, [*refused, person.id])
    error = not_agreed(request, fields, text)
    if error:
        return await _consent_page(request, found, asked, error=error, status=422)
    try:
        await _agrees(request, found, person, text)
    except UserError as refusal:
        return await _consent_page(request, found, asked, error=error_text(request, refusal), status=refusal.status)
    return _go_on(found, after, refused)


async def _agrees(request: Request, found: Entrant, person: Participant, text: Notice) -> None:
    live, device = ctx(request).live, found.browser.device
    if not has_consented(person):
        await live.consent(
            found.sitting.id, person.id, version=text.version, text=text.text, device=device, address=address(request)
        )
    await live.sit_down(found.sitting.id, person.id, **_at(request, found))


async def _refuses(request: Request, found: Entrant, person: Participant, text: Notice) -> None:
    await ctx(request).live.consent_refused(
        found.sitting.id,
        person.id,
        version=text.version,
        text=text.text,
        device=found.browser.device,
        address=address(request),
    )


# ------------------------------------------------------------------------------------------------ the check, for all


async def show_check(request: Request) -> Response:
    """Third step: the device is checked once, for all who sit at it."""
    found = await _present(request)
    if not isinstance(found, Entrant):
        return found
    base = f"/device/sittings/{found.sitting.id}"
    refused = _named(found, request.query.get("refused", ""))
    if not found.participants:
        return see_other(f"{base}/people" + (f"?{urlencode({'refused': ','.join(person.id for person in refused)})}" if refused else ""))
    data = {
        "base": f"{base}/check",
        "next": f"/hearing/{found.sitting.id}?via=device",
        "unsupported": f"{base}/unsupported",
        "sitting": found.sitting.id,
    }
    return render(request, "device/check.html", sitting=found.sitting, people=found.participants, data=data, early=False, refused=refused)


async def unsupported(request: Request) -> Response:
    """Where the page's own test sends a browser that cannot take part."""
    why = "insecure" if request.query.get("why") == "insecure" else "unsupported"
    return render(request, "join/unsupported.html", link=f"{ctx(request).settings.public_url}/device", app="", why=why)


# ------------------------------------------------------------------------------------------------ in the hearing


class SeatBody(BaseModel):
    """A newcomer at the device during the hearing. `agree` and `sha256`: his answer to the very words that were shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    participant: Id
    agree: bool = True
    sha256: Annotated[str, Field(max_length=64)] = ""


async def list_seats(request: Request) -> Response:
    """Who sits here, who may sit down, and the notice that a newcomer reads."""
    found = await by_device(request)
    text = await notice_for(request, found.sitting)
    people = [
        {
            "id": place.person.id,
            "name": place.person.name,
            "role": place.person.role,
            "here": place.here,
            "may": place.may,
            "consented": has_consented(place.person),
            "words": place.words,
        }
        for place in places(request, found)
    ]
    return answer({"people": people, "notice": asdict(text) | {"sha256": text.sha256}})


async def take_seat(request: Request) -> Response:
    """A newcomer consents, or has consented before, and sits down; or he refuses."""
    found = await by_device(request)
    text = await notice_for(request, found.sitting)
    try:
        body = SeatBody.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        fields = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_url=False, include_input=False)]
        return problem(request, 422, translate(request, "The request was not understood"), code="malformed", errors=fields)
    person = next((each for each in found.sitting.participants if each.id == body.participant), None)
    if person is None:
        return problem(request, 404, translate(request, "error.participant_unknown"), code="participant_unknown")
    if not has_consented(person) and not body.agree:
        await _refuses(request, found, person, text)
        return answer({"seated": False})
    if not has_consented(person) and body.sha256 != text.sha256:
        title = translate(request, "The notice has changed meanwhile. Please read it again.")
        return problem(request, 409, title, code="notice_changed")
    await _agrees(request, found, person, text)
    return answer({"seated": True})


_BASE = "/device/sittings/{sitting}"
ROUTES = (
    Route("GET", f"{_BASE}/people", show_people, DEVICE),
    Route("POST", f"{_BASE}/people", choose, DEVICE),
    Route("GET", f"{_BASE}/consent", show_consent, DEVICE),
    Route("POST", f"{_BASE}/consent", consent, DEVICE),
    Route("GET", f"{_BASE}/check", show_check, DEVICE),
    Route("GET", f"{_BASE}/unsupported", unsupported, DEVICE),
    Route("GET", f"{_BASE}/seats", list_seats, DEVICE, answers="data"),
    Route("POST", f"{_BASE}/seats", take_seat, DEVICE, answers="data"),
)
