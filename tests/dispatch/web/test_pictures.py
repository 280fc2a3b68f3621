"""Which pictures are large, and whose is marked as speaking: the rules of the hearing's page, run by Node without a page."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).resolve().parents[3] / "static" / "js"
EVERY_MS = 120
"""The page listens so often (LEVEL_EVERY_MS of hearing.js)."""
LOUD, BETWEEN, STILL = 0.6, 0.3, 0.0


def run(script: str, expression: str, **given: Any) -> Any:
    """What `expression` gives with the exports of static/js/`script` and the values of `given` in reach."""
    node = shutil.which("node")
    assert node, "Node is missing"
    source = (SCRIPTS / script).read_text(encoding="utf-8")
    names = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
    program = f"{source}\n{names}console.log(JSON.stringify({expression}));"
    done = subprocess.run([node, "--input-type=module"], input=program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def place(key: str, *, bench: bool = False, you: bool = False, side: str = "") -> dict[str, Any]:
    return {"screen": False, "key": key, "people": [], "you": you, "bench": bench, "side": side}


def screen(of: str, *, you: bool = False) -> dict[str, Any]:
    return {"screen": True, "key": f"{of}/screen", "endpoint": of, "people": [], "you": you}


def rows(*screens: dict[str, Any], mode: str = "court", pinned: str | None = None, speaker: str | None = None) -> list[list[str]]:
    """Keys of the large and of the small pictures where there is no room beside the bench."""
    found = hall(*screens, mode=mode, pinned=pinned, speaker=speaker, wide=False)
    assert (found["left"], found["right"]) == ([], [])
    return [found["large"], found["others"]]


def hall(
    *screens: dict[str, Any], mode: str = "court", pinned: str | None = None, speaker: str | None = None, wide: bool = True
) -> dict[str, list[str]]:
    """Keys of the pictures by where they stand, with a judge, a party on each side, and oneself, an interpreter, inside."""
    places = [place("judge", bench=True), place("li", side="left"), place("wang", side="right"), place("me", you=True)]
    wish = {"mode": mode, "pinned": pinned, "speaker": speaker, "wide": wide}
    found = run("layout.js", "arrangeAll(places, screens, wish)", places=places, screens=list(screens), wish=wish)
    return {where: [seat["key"] for seat in seats] for where, seats in found.items()}


class TestACourtRoom:
    def test_has_the_sides_facing_each_other_beside_the_bench_and_whoever_is_of_neither_before_it(self) -> None:
        assert hall() == {"large": ["judge"], "left": ["li"], "others": ["me"], "right": ["wang"]}

    @pytest.mark.parametrize("mode", ["equal", "speaker"])
    def test_is_one_layout_of_several(self, mode: str) -> None:
        assert (hall(mode=mode)["left"], hall(mode=mode)["right"]) == ([], [])

    def test_gives_way_to_what_is_pinned_or_shared(self) -> None:
        for found in (hall(pinned="li"), hall(screen("li"))):
            assert (found["left"], found["right"]) == ([], [])


class TestASharedScreen:
    @pytest.mark.parametrize("mode", ["court", "equal", "speaker"])
    def test_is_alone_large_in_every_layout(self, mode: str) -> None:
        assert rows(screen("li"), mode=mode)[0] == ["li/screen"]

    def test_has_those_first_beside_it_who_would_be_large_without_it(self) -> None:
        assert rows(screen("li"), mode="speaker", speaker="wang")[1] == ["wang", "judge", "li", "me"]

    def test_is_not_large_for_whoever_shares_it(self) -> None:
        assert rows(screen("me", you=True)) == [["judge"], ["me/screen", "li", "wang", "me"]]

    def test_stands_beside_another_one(self) -> None:
        assert rows(screen("li"), screen("wang"))[0] == ["li/screen", "wang/screen"]

    def test_makes_room_for_what_is_pinned(self) -> None:
        assert rows(screen("li"), screen("wang"), pinned="wang/screen") == [["wang/screen"], ["li/screen", "judge", "li", "wang", "me"]]
        assert rows(screen("li"), pinned="judge") == [["judge"], ["li/screen", "li", "wang", "me"]]

    def test_that_was_pinned_and_is_over_leaves_no_hole(self) -> None:
        assert rows(pinned="li/screen") == [["judge"], ["li", "wang", "me"]]

    def test_is_gone_while_its_owner_is_lost_closed_by_the_court_or_does_not_share(self) -> None:
        def person(presence: str, *, on: bool, muted: bool = False) -> dict[str, Any]:
            sources = {"screen": {"on": on, "muted_by_chair": muted}}
            return {"endpoint": presence, "presence": presence, "you": False, "role": "party", "sources": sources}

        people = [
            [person("present", on=True)],
            [person("lost", on=True)],
            [person("present", on=True, muted=True)],
            [person("present", on=False)],
        ]
        found = run("places.js", "people.map((participants) => screensOf({participants}).map((one) => one.key))", people=people)
        assert found == [["present/screen"], [], [], []]


def marks(*levels: float) -> list[bool]:
    """Whether a picture is marked, at each level that is heard one after another."""
    expression = f"((mark) => levels.map((level, i) => mark.hear(level, i * {EVERY_MS})))(new SpeechMark())"
    return list(run("speaking.js", expression, levels=levels))


def speakers(*heard: str | None) -> list[str | None]:
    """Who is the speaker after each listening."""
    expression = f"((watch) => heard.map((who, i) => (watch.hear(who, i * {EVERY_MS}), watch.speaker)))(new SpeakerWatch())"
    return list(run("speaking.js", expression, heard=heard))


class TestWhoSpeaks:
    def test_is_marked_after_a_moment_and_through_the_pauses_between_words(self) -> None:
        found = marks(*[LOUD] * 4, *[STILL, BETWEEN, STILL] * 3, LOUD)
        assert not found[0]
        assert all(found[3:])

    def test_is_no_longer_marked_when_he_is_silent(self) -> None:
        assert not marks(*[LOUD] * 4, *[STILL] * 10)[-1]

    def test_is_nobody_who_coughs_now_and_then(self) -> None:
        assert not any(marks(*[LOUD, STILL, STILL, STILL, STILL] * 4))

    def test_is_nobody_in_a_room_that_is_never_quite_still(self) -> None:
        assert not any(marks(*[BETWEEN] * 20))

    def test_becomes_large_after_a_sentence_and_not_for_a_word_thrown_in(self) -> None:
        assert speakers(*["li"] * 8)[-1] == "li"
        assert speakers(*["li"] * 40, *["wang"] * 3, *["li"] * 5)[-1] == "li"
        assert speakers(*["li"] * 40, *["wang"] * 8)[-1] == "wang"

    def test_stays_large_for_a_while_when_another_follows_at_once(self) -> None:
        found = speakers(*["li"] * 8, *["wang"] * 40)
        assert found[8 + 8] == "li"
        assert found[-1] == "wang"

    def test_is_not_made_of_two_noises_far_apart(self) -> None:
        assert speakers("li", *[None] * 20, "li")[-1] is None

    def test_changes_nothing_while_two_speak_at_once(self) -> None:
        assert speakers(*["li"] * 40, *["wang", "li"] * 20)[-1] == "li"
