"""The keys of the site: made once, rotated, and told apart from what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from rooms.vault import cipher
from rooms.vault.keys import KeyMissing, KeyRing, Wrapped


def test_a_first_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "secrets")
    assert (ring.ensure(), ring.ensure(), ring.ids) == ("0001", "", ["0001"])
    assert (tmp_path / "secrets" / "store-0001.key").stat().st_mode & 0o777 == 0o600


def test_a_new_key_wraps_from_now_on_and_the_old_one_still_unwraps(tmp_path: Path) -> None:
    ring, key = KeyRing(tmp_path), cipher.new_key()
    ring.ensure()
    old = ring.wrap("s1", key)
    assert ring.make() == "0002"
    new = ring.wrap("s1", key)
    assert (old.by, new.by) == ("0001", "0002")
    assert ring.unwrap(old) == ring.unwrap(Wrapped.read(new.content)) == key


def test_what_a_forgotten_key_wrapped_is_lost_and_says_so(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path)
    ring.ensure()
    wrapped = ring.wrap("s1", cipher.new_key())
    ring.make()
    ring.forget("0001")
    with pytest.raises(KeyMissing, match="key 0001"):
        ring.unwrap(wrapped)
    with pytest.raises(KeyMissing, match="no key 0007"):
        ring.forget("0007")


def test_another_sites_key_of_the_same_number_does_not_unwrap(tmp_path: Path) -> None:
    one, other = KeyRing(tmp_path / "one"), KeyRing(tmp_path / "other")
    one.ensure()
    other.ensure()
    with pytest.raises(KeyMissing, match="does not unwrap"):
        other.unwrap(one.wrap("s1", cipher.new_key()))


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store-0001.key").write_bytes(b"short")
    with pytest.raises(KeyMissing, match="5 bytes instead of 32"):
        KeyRing(tmp_path).wrap("s1", cipher.new_key())
    with pytest.raises(KeyMissing, match="no wrapped key"):
        Wrapped.read(b"{}")
