"""Pictures for somebody to look at: kept where GALLERY names a folder, `name-width.png`."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Page

FOLDER = os.environ.get("GALLERY", "")
WIDTHS = (1366, 390)


async def photographed(page: Page, name: str) -> None:
    """The whole page as it is now, at a desk and on a phone."""
    if not FOLDER:
        return
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.screenshot(path=Path(FOLDER) / f"{name}-{width}.png", full_page=True)
    await page.set_viewport_size({"width": WIDTHS[0], "height": 900})
