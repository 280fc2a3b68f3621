"""The small picture of a file that somebody brought. Pure."""

from __future__ import annotations

from PIL import Image

from dispatch.pictures import bare

SIDE_PIXELS = 480
QUALITY = 80


def small(found: Image.Image) -> bytes:
    """At most 480 pixels wide or high, and nothing but the picture."""
    return bare(found, SIDE_PIXELS, QUALITY)
