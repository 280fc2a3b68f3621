"""Pictures that somebody brought: what they raise where they are none, and one with nothing but the picture in it. Pure."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    ValueError,
    SyntaxError,
)
"""What Pillow raises where a file is no picture of a form that it was told, or unfolds to too much."""


def bare(found: Image.Image, side_pixels: int, quality: int) -> bytes:
    """A picture as WebP, upright, at most `side_pixels` wide or high, without metadata: no place, no device, no time.
    `quality`: 1 to 100."""
    upright = ImageOps.exif_transpose(found).convert("RGB")
    upright.thumbnail((side_pixels, side_pixels))
    plain = Image.new("RGB", upright.size)
    plain.paste(upright)
    made = io.BytesIO()
    plain.save(made, "WEBP", quality=quality)
    return made.getvalue()
