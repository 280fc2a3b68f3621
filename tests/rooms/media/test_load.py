"""How busy a worker is."""

from __future__ import annotations

import pytest

from rooms.media.load import CORE_PACKETS_PER_S, ROUTER_SHARE, Load


def report(cpu_s: float, received: int, sent: int, transports: int = 0) -> dict[str, float]:
    return {"cpu_s": cpu_s, "received": received, "sent": sent, "transports": transports}


def test_rates_are_those_between_two_reports() -> None:
    load = Load()
    load.reported(report(5.0, 1000, 9000), 100.0)
    assert (load.cpu, load.packets_per_s) == (0.0, 0.0), "one report alone says nothing of now"
    load.reported(report(5.5, 2000, 12_000), 102.0)
    assert load.cpu == pytest.approx(0.25)
    assert load.packets_per_s == pytest.approx(2000)


def test_a_worker_that_began_anew_is_not_less_than_idle() -> None:
    load = Load()
    load.reported(report(50.0, 10**6, 10**6), 100.0)
    load.reported(report(0.1, 10, 10), 101.0)
    assert (load.cpu, load.packets_per_s) == (0.0, 0.0)


def test_hearings_that_wait_count_a_little_and_packets_more() -> None:
    waiting, busy = Load(), Load()
    for load, packets in ((waiting, 0), (busy, CORE_PACKETS_PER_S // 2)):
        load.reported(report(1.0, 0, 0), 10.0)
        load.reported(report(1.0, 0, packets), 11.0)
    assert waiting.with_routers(10) == pytest.approx(10 * ROUTER_SHARE)
    assert busy.with_routers(1) > waiting.with_routers(10) > waiting.with_routers(1)
