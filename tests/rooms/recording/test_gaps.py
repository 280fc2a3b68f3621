"""What is a gap and what is not."""

from __future__ import annotations

from rooms.recording.gaps import GAP_US, RESUME_US, SILENT_US, Gap, Gaps

MICROPHONE = ("alice", "microphone")


def gap(from_us: int, to_us: int, cause: str) -> Gap:
    return Gap("alice", "microphone", from_us, to_us, cause)


def test_a_loss_reaches_from_the_last_frame_to_the_next() -> None:
    gaps = Gaps()
    gaps.miss(MICROPHONE, "packet_loss", 9_000_000, end_us=8_000_000)
    assert gaps.resume(MICROPHONE, 8_500_000) == gap(8_000_000, 8_500_000, "packet_loss")
    assert gaps.resume(MICROPHONE, 9_500_000) is None


def test_a_tenth_of_a_second_is_no_gap() -> None:
    gaps = Gaps()
    gaps.miss(MICROPHONE, "packet_loss", 0, end_us=0)
    assert gaps.resume(MICROPHONE, GAP_US) is None
    gaps.miss(MICROPHONE, "packet_loss", 0, end_us=0)
    assert gaps.resume(MICROPHONE, GAP_US + 1) is not None


def test_a_mute_is_no_gap() -> None:
    gaps = Gaps()
    gaps.ends(MICROPHONE, 1_000_000)
    assert gaps.resume(MICROPHONE, 60_000_000) is None


def test_who_was_silent_when_the_disk_failed_lost_nothing_before() -> None:
    gaps = Gaps()
    gaps.ends(MICROPHONE, 1_000_000)
    gaps.miss(MICROPHONE, "disk_full", 1_000_000 + SILENT_US)
    assert gaps.resume(MICROPHONE, 9_000_000) == gap(1_000_000 + SILENT_US, 9_000_000, "disk_full")


def test_who_spoke_when_the_disk_failed_lost_from_the_last_frame_on() -> None:
    gaps = Gaps()
    gaps.ends(MICROPHONE, 1_000_000)
    gaps.miss(MICROPHONE, "disk_full", 1_020_000)
    gaps.miss(MICROPHONE, "packet_loss", 2_000_000)  # the first cause stays
    assert gaps.resume(MICROPHONE, 9_000_000) == gap(1_000_000, 9_000_000, "disk_full")


def test_a_file_that_was_cut_back_misses_what_was_cut() -> None:
    gaps = Gaps()
    gaps.ends(MICROPHONE, 2_000_000)
    gaps.cut(MICROPHONE, 1_500_000, "disk_full")
    gaps.miss(MICROPHONE, "disk_full", 2_020_000)
    assert gaps.resume(MICROPHONE, 2_100_000) == gap(1_500_000, 2_100_000, "disk_full")


def test_after_a_restart_only_what_resumes_at_once_was_lost() -> None:
    for back_us, lost in ((RESUME_US, True), (RESUME_US + 1, False)):
        gaps = Gaps()
        gaps.cut(MICROPHONE, -3_000_000, "recorder_restarted")
        gaps.restarted(0)
        assert (gaps.resume(MICROPHONE, back_us) is not None) is lost


def test_who_was_silent_when_the_recorder_was_killed_lost_nothing_before() -> None:
    gaps = Gaps()
    gaps.cut(MICROPHONE, 1_000_000, "recorder_restarted", well_us=1_000_000 + SILENT_US)
    gaps.restarted(9_000_000)
    assert gaps.resume(MICROPHONE, 9_500_000) == gap(1_000_000 + SILENT_US, 9_500_000, "recorder_restarted")


def test_what_is_sent_again_after_a_restart_leaves_no_gap() -> None:
    gaps = Gaps()
    gaps.cut(MICROPHONE, 5_000_000, "recorder_restarted")
    gaps.restarted(6_000_000)
    assert gaps.resume(MICROPHONE, 3_000_000) is None


def test_a_recess_however_short_is_in_no_gap() -> None:
    gaps = Gaps()
    gaps.ends(MICROPHONE, 1_000_000)
    gaps.stop(1_100_000)
    gaps.clear()
    gaps.miss(MICROPHONE, "key_frame", 1_500_000)
    assert gaps.resume(MICROPHONE, 1_900_000) == gap(1_500_000, 1_900_000, "key_frame")


def test_the_end_closes_what_is_open() -> None:
    gaps = Gaps()
    gaps.miss(MICROPHONE, "disk_full", 1_000_000)
    gaps.miss(("bob", "camera"), "recorder_restarted", 1_000_000)
    gaps.restarted(1_500_000)
    gaps.miss(("carol", "camera"), "disk_full", 2_000_000)
    assert gaps.stop(9_000_000) == [Gap("carol", "camera", 2_000_000, 9_000_000, "disk_full")]
    assert not gaps
