"""From when on the command centre is alarmed."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Alerts(BaseModel):
    """Part of :class:`dispatch.settings.Settings`."""

    alert_waiting_minutes: float = Field(
        5, gt=0, le=240, description="Minutes that somebody waits to be let in, from the start on, before the command centre is alarmed."
    )
    alert_private_minutes: float = Field(
        30, gt=0, le=1440, description="Minutes of a private stage or consultation after which the command centre is told."
    )
    alert_poor_seconds: float = Field(
        30, gt=0, le=3600, description="Seconds of a poor connection after which the command centre is alarmed."
    )
    alert_overrun_minutes: float = Field(
        10, gt=0, le=600, description="Minutes past its booked end after which a sitting that goes on is alarmed."
    )
    alert_service_seconds: float = Field(
        15, gt=0, le=600, description="Seconds without a part of the media or recording service after which the command centre is alarmed."
    )
    alert_clock_seconds: float = Field(
        1, ge=0.1, le=60, description="Seconds by which the server's clock may be set, or differ from the database's, without an alarm."
    )
    alert_clock_source: bool = Field(
        False, description="The site has a source of time: alarm when the kernel says that nothing holds the server's clock to one."
    )
    alert_escalate_minutes: float = Field(5, gt=0, le=240, description="Minutes after which an alert that nobody has seen is escalated.")
    alert_disk_gb: float = Field(2, ge=0, le=10_000, description="Gigabytes free on a disk of data or recordings; below, it is alarmed.")
