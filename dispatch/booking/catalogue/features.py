"""What a room or a piece of equipment has to offer: a fixed list, in the order in which pages show it (DOMAIN.md sections 3 and 5)."""

from __future__ import annotations

from collections.abc import Iterable

FEATURES = (
    "panorama_camera",
    "document_camera",
    "evidence_screen",
    "synchronous_recording",
    "record_printer",
    "fingerprint_signature",
    "voice_face_change",
    "interpreter_channel",
    "witness_booth",
    "custody_dock",
    "deliberation_room",
    "broadcast",
    "hearing_loop",
    "wheelchair_access",
)
"""Words of the catalogue are "feature.<name>"."""


def known(features: Iterable[str]) -> list[str]:
    """Those of the list, in its order, each once."""
    wanted = frozenset(features)
    return [each for each in FEATURES if each in wanted]
