"""Jinja2 environment of the pages and what every template may use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from dispatch.web.assets import Assets

FOLDER = Path(__file__).resolve().parents[2] / "templates"


class Templates:
    """Renders pages. In all templates: `static('css/base.css')`, `icon('clock')`, and what a page has from its request
    (:func:`dispatch.web.request.render`).
    """

    def __init__(self, assets: Assets, folder: Path = FOLDER) -> None:
        self.assets = assets
        self.environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(static=assets.url, icon=self.icon)

    def icon(self, name: str, size: int = 20) -> Markup:
        """An icon of the sprite; the word beside it is the name, so the picture itself is hidden from screen readers."""
        return Markup('<svg class="icon" width="{0}" height="{0}" aria-hidden="true"><use href="{1}#{2}"/></svg>').format(
            size, self.assets.url("icons.svg"), name
        )

    def page(self, template: str, data: Mapping[str, Any]) -> str:
        """The finished page. An unknown name in a template is an error, never an empty spot."""
        return self.environment.get_template(template).render(**data)


TEMPLATES = web.AppKey("templates", Templates)
