"""Boxes that open for one sitting and one matter alone, and digests that tell nothing before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.sealing import SealBroken, Sealed, Sealing, digest_of

SITE = Sealing(b"k" * 32)
SEAL = SITE.of("sitting")


@given(about=st.text(max_size=40), text=st.text(max_size=400))
def test_what_was_sealed_is_opened_as_it_was(about: str, text: str) -> None:
    sealed = SEAL.shut(about, text)
    opened = SEAL.open(about, sealed.box)
    assert opened.text == text
    assert digest_of(opened.salt, text) == sealed.digest
    assert SITE.of("sitting").shut(about, text) == sealed, "a server that starts again seals alike"


def test_a_box_opens_for_its_own_sitting_matter_and_site_alone() -> None:
    sealed = SEAL.shut("opinion of a", "同意")
    for seal, about in ((SEAL, "opinion of b"), (SITE.of("other"), "opinion of a"), (Sealing(b"o" * 32).of("sitting"), "opinion of a")):
        assert not seal.opens(about, sealed.box)
        with pytest.raises(SealBroken):
            seal.open(about, sealed.box)
    for place in range(0, len(sealed.box) - 2, 5):
        changed = sealed.box[:place] + ("A" if sealed.box[place] != "A" else "B") + sealed.box[place + 1 :]
        assert not SEAL.opens("opinion of a", changed)
    for rubbish in ("", "not a box", "意见"):
        assert not SEAL.opens("opinion of a", rubbish)


def test_the_same_vote_of_two_people_and_two_votes_of_one_look_alike_to_nobody() -> None:
    made: list[Sealed] = [SEAL.shut(about, text) for about in ("vote of a on 1", "vote of b on 1") for text in ("for", "against")]
    assert len({one.digest for one in made}) == len({one.box for one in made}) == 4


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Sealing(b"k" * 16)
