"""Who may decide on a booking that was asked for. Pure.

Administrators may, and whoever has a role that every resource which asks names among those that book it without asking (`booked_by`).
A resource that names none leaves it to the administrators. Nobody decides on what he asked for himself.
"""

from __future__ import annotations

from collections.abc import Iterable

from dispatch.store.tables import Resource, Sitting, User

ADMINISTRATOR = "administrator"


def may_decide(user: User, sitting: Sitting, resources: Iterable[Resource], *, member: bool = True) -> bool:
    """Whether `user` may approve or decline the booking of `sitting`, which holds these resources. `member`: he is one of the staff; of
    what a program asked for it is not known which, so no program decides on it but an administrator's."""
    if sitting.created_by == user.id or (sitting.created_by is None and not member and user.role != ADMINISTRATOR):
        return False
    if user.role == ADMINISTRATOR:
        return True
    asking = [each for each in resources if each.needs_approval or each.booked_by is not None]
    return bool(asking) and all(user.role in (each.booked_by or ()) for each in asking)
