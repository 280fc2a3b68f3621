"""Times go into the database and come out as the same moments, in UTC, whatever zone they were given in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Integer, create_engine, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from dispatch.store.tables import UtcDateTime
from tests.effort import examples


class Base(DeclarativeBase):
    pass


class Moment(Base):
    __tablename__ = "moment"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    with Session(connection) as session:
        yield session
        session.rollback()


def kept(session: Session, *moments: datetime | None) -> list[datetime | None]:
    """What comes out after these went in, in the database's order."""
    session.rollback()
    session.add_all(Moment(at=moment) for moment in moments)
    session.flush()
    session.expire_all()
    return list(session.scalars(select(Moment.at).order_by(Moment.at)))


def test_an_hour_of_the_court_comes_back_as_its_utc_hour(session: Session) -> None:
    (found,) = kept(session, datetime(2026, 11, 24, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert found == datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
    assert found is not None
    assert found.tzinfo is UTC


def test_the_file_holds_utc(session: Session) -> None:
    kept(session, datetime(2026, 11, 24, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai")))
    assert session.scalar(text("SELECT at FROM moment")) == "2026-11-24 01:30:00.000000"


def test_a_time_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        kept(session, datetime(2026, 11, 24, 9, 30))  # noqa: DTZ001
    session.rollback()
    with pytest.raises(StatementError, match="naive datetime"):
        session.scalar(select(Moment).where(Moment.at < datetime(2026, 11, 24)))  # noqa: DTZ001


def test_no_time_stays_no_time(session: Session) -> None:
    assert kept(session, None) == [None]


def test_the_hour_that_comes_twice_keeps_its_two_moments_apart(session: Session) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1))
    one, other = kept(session, second, first)
    assert one is not None
    assert other is not None
    assert other - one == timedelta(hours=1)


zones = st.sampled_from((UTC, ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")))
moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones)  # noqa: DTZ001 (hypothesis puts the zone on)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(moments, min_size=1, max_size=6))
def test_every_moment_survives_and_the_database_orders_them_as_time_does(connection: Connection, given_moments: list[datetime]) -> None:
    with Session(connection) as session:
        assert kept(session, *given_moments) == sorted(moment.astimezone(UTC) for moment in given_moments)
        session.rollback()
