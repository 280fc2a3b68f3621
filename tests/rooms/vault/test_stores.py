"""What every store does, a folder and one that speaks S3 alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rooms.vault import putting, s3
from rooms.vault.checkout import checked_out
from rooms.vault.keys import KeyRing
from rooms.vault.store import FolderStore, Store, StoreUnavailable
from rooms.vault.vault import Vault
from rooms.verification.folder import verify
from tests.rooms.vault.conftest import SITTING, make_sealed, plain_bytes
from tests.rooms.vault.object_server import ObjectServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    found = ObjectServer(tmp_path_factory.mktemp("objects"))
    yield found.start()
    found.end()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "store")
        return
    found: Store = request.getfixturevalue("server").store()
    yield found
    for name, _size in list(found.list()):
        found.delete(name)


def test_an_object_comes_back_as_it_was_put(store: Store) -> None:
    for content in (b"", b"x", os.urandom(3 << 20)):
        store.put("s1/part/000000", content)
        assert store.get("s1/part/000000") == content
        assert store.size("s1/part/000000") == len(content)


def test_any_range_of_an_object_is_read(store: Store) -> None:
    content = os.urandom(100_000)
    store.put("s1/a", content)
    for start, length in [(0, 1), (99_999, 1), (50_000, 10_000), (99_000, 5000), (100_000, 10), (7, 0)]:
        assert store.get("s1/a", start, length) == content[start : start + length]
    assert store.get("s1/a", 90_000) == content[90_000:]


def test_an_object_is_replaced_as_a_whole(store: Store) -> None:
    store.put("s1/a", b"a longer first one")
    store.put("s1/a", b"second")
    assert store.get("s1/a") == b"second"


def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.get("s1/none")
    with pytest.raises(FileNotFoundError):
        store.size("s1/none")
    store.delete("s1/none")
    assert list(store.list("s1/")) == []


def test_objects_are_listed_by_the_beginning_of_their_names(store: Store) -> None:
    for name in ("s1/key", "s1/aa/000000", "s1/aa/000001", "s10/key", "s2/key"):
        store.put(name, name.encode())
    assert sorted(store.list("s1/")) == [("s1/aa/000000", 12), ("s1/aa/000001", 12), ("s1/key", 6)]
    assert len(list(store.list())) == 5


def test_a_deleted_object_is_gone_and_the_others_stay(store: Store) -> None:
    store.put("s1/a/0", b"a")
    store.put("s1/b/0", b"b")
    store.delete("s1/a/0")
    assert [name for name, _size in store.list()] == ["s1/b/0"]
    store.put("s1/a/0", b"again")
    assert store.get("s1/a/0") == b"again"


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "a//b", ".hidden", "a/.b", "a\0b", "a/../../b", "名"])
def test_what_is_no_name_reaches_no_store(store: Store, name: str) -> None:
    for ask in (store.get, store.delete, store.size):
        with pytest.raises(ValueError, match="no name of an object"):
            ask(name)
    with pytest.raises(ValueError, match="no name of an object"):
        store.put(name, b"")


async def test_a_recording_is_put_away_read_and_destroyed(store: Store, tmp_path: Path, small_parts: int) -> None:
    ring = KeyRing(tmp_path / "secrets")
    ring.ensure()
    vault = Vault(tmp_path / "recordings", tmp_path, tmp_path / "run", store, ring)
    before = plain_bytes(make_sealed(vault))
    putting.put_away(vault, SITTING)
    assert {name: vault.read(SITTING, name) for name in vault.files(SITTING)} == before
    async with checked_out(vault, SITTING) as folder:
        assert verify(folder).ok
    putting.destroy(vault, SITTING)
    assert list(store.list()) == []


def test_a_long_list_is_read_to_its_end(server: ObjectServer) -> None:
    store = server.store()
    for number in range(1005):  # a server gives a thousand at a time
        store.put(f"s3/{number:04d}", b"")
    assert len(list(store.list("s3/"))) == 1005
    for number in range(1005):
        store.delete(f"s3/{number:04d}")


def test_a_store_with_another_key_or_without_the_bucket_is_refused(server: ObjectServer) -> None:
    with pytest.raises(StoreUnavailable, match="InvalidAccessKeyId"):
        server.store(key="wrong").put("a", b"")
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        server.store(bucket="another").put("a", b"")
    with pytest.raises(StoreUnavailable, match="no such bucket"):
        server.store(bucket="another").space()


def test_putting_away_goes_on_where_the_store_broke_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: int) -> None:
    """The server dies in the middle; nothing is lost, and what it had got is not sent again."""
    monkeypatch.setattr(s3, "RETRIES", s3.RETRIES.new(total=1))
    server = ObjectServer(tmp_path / "objects").start()
    try:
        ring = KeyRing(tmp_path / "secrets")
        ring.ensure()
        vault = Vault(tmp_path / "recordings", tmp_path, tmp_path / "run", server.store(), ring)
        root = make_sealed(vault)
        before = plain_bytes(root)

        def halfway(done: float) -> None:
            if done > 0.5:
                server.end()

        with pytest.raises(StoreUnavailable, match=server.url):
            putting.put_away(vault, SITTING, halfway)
        assert verify(root).ok
        server.start()
        assert vault.store is not None
        there = dict(vault.store.list())
        assert len(there) > 3
        put = _Counting(vault.store)
        putting.put_away(Vault(vault.recordings, tmp_path, tmp_path / "run", cast(Store, put), ring), SITTING)
        assert there.keys() & set(put.names) == set()
        assert {name: vault.read(SITTING, name) for name in vault.files(SITTING)} == before
    finally:
        server.end()


class _Counting:
    """Notes what is put into a store."""

    def __init__(self, store: Store) -> None:
        self.names: list[str] = []
        self._store = store

    def put(self, name: str, content: bytes) -> None:
        self.names.append(name)
        self._store.put(name, content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_folder_that_cannot_be_written_says_which(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable, match=str(tmp_path / "store")):
        FolderStore(tmp_path / "store").put("s1/a", b"")
    with pytest.raises(StoreUnavailable):
        FolderStore(tmp_path / "store").space()
