"""Values of requests and answers: moments and days as RFC 3339 writes them, and ids."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

FIRST_YEAR, LAST_YEAR = 1970, 2200
"""Outside of these a time is a slip, and too near the ends of what Python's calendar holds."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WALL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)


def _moment(value: Any) -> datetime:
    """RFC 3339 section 5.6, with its offset; UTC inside."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            if FIRST_YEAR <= moment.year <= LAST_YEAR:
                return moment
    raise PydanticCustomError("moment_shape", "not a moment")


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value) and FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day_shape", "not a day")


def _wall(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _WALL.fullmatch(value) and FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("wall_shape", "not a wall time")


Wall = Annotated[datetime, BeforeValidator(_wall), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d$"})]
"""What a clock on the wall shows, to the minute, without an offset."""
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""An id of ours; of anything else it is known without asking that it names nothing."""
IdOrNone = Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")]
"""An id, or an empty text for nobody."""


def left_out(**what: Any) -> Any:
    """The default of a :class:`Change`'s field; `what` as in pydantic's Field. No program can give it: it is None, and of no
    type that is taken."""
    return Field(None, **what)


class Given(BaseModel):
    """What a request brings: nothing but the named fields, each of the very type that is stated."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Change(Given):
    """What is to be different: fields that are left out (:func:`left_out`) stay as they are."""

    @field_validator("*", mode="before")
    @classmethod
    def _is_given(cls, value: Any) -> Any:
        if value is None:
            raise PydanticCustomError("null_given", "not a value")
        return value

    def given(self) -> dict[str, Any]:
        """The fields that are to be different, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Asked(BaseModel):
    """Query or header fields: text, from which the stated type is read; a field that is not named is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shown(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Resource(Shown, ABC):
    """An answer that has an address and a version (ETag) of its own."""

    _whole: Resource | None = PrivateAttr(None)

    @abstractmethod
    def address(self) -> str:
        """The path under which it is found again."""

    def only(self, **changes: Any) -> Self:
        """A part of it, for somebody who needs no more. Its version stays that of the whole, so that he can name it."""
        part = self.model_copy(update=changes)
        part._whole = self  # noqa: SLF001 (another of this very class)
        return part

    def whole(self) -> Resource:
        """What its version is made of: the same for everybody, whatever part of it he is shown."""
        return self._whole or self


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment as answers show it: with the offset of the court's time zone."""
    return moment.astimezone(zone)


def local_or_none(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """The same for what has not happened yet."""
    return None if moment is None else moment.astimezone(zone)
