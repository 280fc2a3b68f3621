"""The routers of an engine's worker, whichever engine it is: who may make, ask and end one. A lower epoch than the highest that was seen
is that of a server whose place another one took, and is refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar

from rooms.media.engine import EngineError

#: Epochs remembered of routers that were closed, so that an older server cannot open them again.
CLOSED_EPOCHS = 1000


class OfEpoch(Protocol):
    """A router. `epoch`: that of the server that spoke to it last."""

    epoch: int


R = TypeVar("R", bound=OfEpoch)


class Routers(dict[str, R]):
    """By name; `make(name)` makes a new one. Its methods raise EngineError "stale_epoch"."""

    def __init__(self, make: Callable[[str], R]) -> None:
        super().__init__()
        self._make = make
        self._epochs: OrderedDict[str, int] = OrderedDict()

    def ask(self, name: str, epoch: int) -> R:
        """The router `name`, for a request of `epoch`; raises EngineError "unknown_router" too."""
        self._check(name, epoch)
        router = self.get(name)
        if router is None:
            raise EngineError("unknown_router", f"no router {name!r}")
        router.epoch = epoch
        return router

    def open(self, name: str, epoch: int) -> R:
        """The router `name`, made if it is new."""
        self._check(name, epoch)
        router = self.get(name)
        if router is None:
            router = self[name] = self._make(name)
        router.epoch = epoch
        return router

    def take(self, name: str, epoch: int) -> R | None:
        """The router `name`, which is none of these any more: the caller ends it. None if there was none."""
        self._check(name, epoch)
        return self.pop(name, None)

    def _check(self, name: str, epoch: int) -> None:
        highest = self._epochs.get(name, epoch)
        if epoch < highest:
            raise EngineError("stale_epoch", f"epoch {epoch} of {name!r} is older than {highest}")
        self._epochs[name] = epoch
        self._epochs.move_to_end(name)
        while len(self._epochs) > CLOSED_EPOCHS + len(self):
            del self._epochs[next(known for known in self._epochs if known not in self)]

    @property
    def remembered(self) -> int:
        """How many epochs are known."""
        return len(self._epochs)

    def held(self) -> dict[str, int]:
        """The routers that are here, each with its epoch."""
        return {name: router.epoch for name, router in self.items()}
