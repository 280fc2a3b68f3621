"""Messages of the server as text frames. What views have in common is written as JSON once: sixty viewers see the same sixty people."""

from __future__ import annotations

from rooms.protocol.base import FromServer, Message
from rooms.protocol.server import State

KEPT = 4096
"""Parts whose JSON is kept; they are let go all at once when there are more."""
APART = {"sitting", "participants"}


class Parts:
    """JSON of messages that do not change, by the object itself: who asks again with the same one gets the same text."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._found: dict[int, tuple[Message, str]] = {}

    def json(self, part: Message) -> str:
        """The part as JSON."""
        found = self._found.get(id(part))  # the part is kept with its text, so that nothing else has its id
        if found is None:
            if len(self._found) >= self._most:
                self._found.clear()
            found = self._found[id(part)] = (part, part.model_dump_json())
        return found[1]


_parts = Parts()


def serialise(message: FromServer, number: int) -> str:
    """The text frame of a message, numbered for its connection."""
    if not isinstance(message, State):
        return message.model_copy(update={"number": number}).model_dump_json()
    view = message.view
    own = view.model_dump_json(exclude=APART)
    people = ",".join(map(_parts.json, view.participants))
    shared = f'"sitting":{_parts.json(view.sitting)},"participants":[{people}]'
    return f'{{"number":{number},"type":"state","now_us":{message.now_us},"view":{own[:-1]},{shared}}}}}'
