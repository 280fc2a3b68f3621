"""Who takes part in a sitting, and the personal links: issuing, issuing anew, revoking."""

from __future__ import annotations

from dataclasses import replace

from dispatch.booking.participant_draft import ParticipantDraft
from dispatch.errors import NotFound
from dispatch.identity import invitations
from dispatch.sittings import listing, participants
from dispatch.store.tables import Participant, Sitting
from dispatch.web.access import CLERK
from dispatch.web.api.operations import operation, programs
from dispatch.web.api.participant_shapes import (
    AddedParticipant,
    LinkView,
    ParticipantChange,
    ParticipantList,
    ParticipantView,
    Removal,
)
from dispatch.web.api.sitting_shapes import Once
from dispatch.web.api.sittings import SEES, shown
from dispatch.web.api.versions import IfMatch
from dispatch.web.day_grid import ENTERABLE
from dispatch.web.request import Request, ctx, me, zone

CHANGES = programs(CLERK)


async def _sitting(request: Request) -> Sitting:
    return await listing.visible(ctx(request).db, me(request), request.match_info["sitting"])


async def _person(request: Request) -> tuple[Sitting, Participant]:
    sitting = await _sitting(request)
    found = next((person for person in sitting.participants if person.id == request.match_info["participant"]), None)
    if found is None:
        raise NotFound("participant_unknown")
    return sitting, found


async def _shown(request: Request, participant_id: str) -> ParticipantView:
    """The participant as he is by now, his new link too."""
    everybody = shown(request, await _sitting(request)).participants
    found = next((person for person in everybody if person.id == participant_id), None)
    if found is None:
        raise NotFound("participant_unknown")
    return found


async def everybody(request: Request) -> ParticipantList:
    """List the participants of a sitting."""
    return ParticipantList(items=shown(request, await _sitting(request)).participants)


async def show(request: Request) -> ParticipantView:
    """Show one participant."""
    return await _shown(request, request.match_info["participant"])


async def add(request: Request, body: AddedParticipant, headers: Once) -> ParticipantView:
    """Add a participant.

    Possible until the sitting closes. Who joins from outside gets a personal link.
    """
    context, user, sitting_id = ctx(request), me(request), request.match_info["sitting"]
    row = ParticipantDraft(**body.model_dump(exclude={"override_reason"}))
    order = headers.order(user, f"participant {sitting_id}", body)
    added = await participants.add(context.db, sitting_id, row, user, context.clock(), override_reason=body.override_reason, order=order)
    await context.live.revised(sitting_id)
    return await _shown(request, added.id)


async def change(request: Request, body: ParticipantChange, headers: IfMatch) -> ParticipantView:
    """Change a participant.

    Name, role, telephone and seat, whether he is a minor and whom he guards; the personal link stays good unless the seat changes.
    """
    context = ctx(request)
    sitting, person = await _person(request)
    given = body.given()
    reason: str = given.pop("override_reason", "")

    def changed(participant: Participant) -> ParticipantDraft:
        headers.check(ParticipantView.of(participant, context.clock(), zone(request)))
        former = ParticipantDraft(
            name=participant.name,
            role=participant.role,
            phone=participant.phone,
            seat=participant.seat,
            id=participant.id,
            user_id=participant.user_id or "",
            email=participant.email,
            minor=participant.minor,
            guards=participant.guards_id,
        )
        return replace(former, **given)

    await participants.update(context.db, person.id, changed, me(request), context.clock(), override_reason=reason)
    await context.live.revised(sitting.id)
    return await _shown(request, person.id)


async def remove(request: Request, query: Removal) -> None:
    """Take a participant out.

    His link stops working; if he is in the hearing, he is put out. The presiding judge is not taken out but replaced. A minor is not
    left without his guardian but for a reason.
    """
    context = ctx(request)
    sitting, person = await _person(request)
    await participants.remove(context.db, person.id, me(request), context.clock(), override_reason=query.override_reason)
    await context.live.revised(sitting.id)


async def link(request: Request) -> LinkView:
    """Show the personal link.

    Not found where there is none: for staff, for who sits in the room, after it was revoked and after the sitting is over.
    """
    return _link(request, *await _person(request))


async def issue(request: Request) -> LinkView:
    """Issue a personal link, or issue it anew.

    The former one stops working, and whoever came by it is disconnected.
    """
    context = ctx(request)
    _, person = await _person(request)
    await invitations.reissue(context.db, person.id, me(request), context.clock())
    await context.live.link_revoked(person.id, "reissued")
    return _link(request, *await _person(request))


async def revoke(request: Request) -> None:
    """Revoke the personal link.

    Whoever came by it is disconnected. Another one can be issued afterwards.
    """
    context = ctx(request)
    _, person = await _person(request)
    await invitations.revoke(context.db, person.id, "clerk", me(request), context.clock())
    await context.live.link_revoked(person.id, "clerk")


def _link(request: Request, sitting: Sitting, person: Participant) -> LinkView:
    token = invitations.links(ctx(request).db, sitting).get(person.id) if sitting.status in ENTERABLE else None
    if token is None:
        raise NotFound("link_missing")
    return LinkView.of(person, token, ctx(request).settings.public_url, zone(request))


_ALL = "/sittings/{sitting}/participants"
_ONE = "/sittings/{sitting}/participants/{participant}"

ROUTES = (
    operation("GET", _ALL, everybody, SEES),
    operation("POST", _ALL, add, CHANGES, status=201, refuses=(409,)),
    operation("GET", _ONE, show, SEES),
    operation("PATCH", _ONE, change, CHANGES, refuses=(409,)),
    operation("DELETE", _ONE, remove, CHANGES, status=204, refuses=(409,)),
    operation("GET", f"{_ONE}/link", link, CHANGES),
    operation("POST", f"{_ONE}/link", issue, CHANGES, status=201, refuses=(409,)),
    operation("DELETE", f"{_ONE}/link", revoke, CHANGES, status=204, refuses=(409,)),
)
