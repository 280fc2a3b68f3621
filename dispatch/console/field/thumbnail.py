"""The small picture of a file that somebody brought. Pure."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

SIDE_PIXELS = 480
QUALITY = 80


def small(found: Image.Image) -> bytes:
    """A picture, upright, at most 480 pixels wide or high, and nothing but the picture: no place, no device, no time."""
    upright = ImageOps.exif_transpose(found).convert("RGB")
    upright.thumbnail((SIDE_PIXELS, SIDE_PIXELS))
    plain = Image.new("RGB", upright.size)
    plain.paste(upright)
    made = io.BytesIO()
    plain.save(made, "WEBP", quality=QUALITY)
    return made.getvalue()
