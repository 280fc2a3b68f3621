"""Jinja2 environment of the pages and what every template may use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from dispatch.web import formats
from dispatch.web.assets import Assets
from dispatch.web.navigation import INLINE, entries, sections
from dispatch.web.translations import LANGUAGES, catalogue

FOLDER = Path(__file__).resolve().parents[2] / "templates"


class Templates:
    """Renders pages. In templates: `_('text', name=…)`, `static('css/base.css')`, `icon('clock')`, `csrf_field()`, `csrf`, `lang`,
    `me`, `court`, `clerk_phone`, `path`, `now`, `time_zone`, `large_text`, `theme`, `navigation`, `centre_sections`, `switch(name,
    value)` (the address of this page in another language or text size); `fmt_clock(t)`, `fmt_day(t)`, `fmt_day_long(t)`, `fmt_moment(t)`,
    `fmt_duration(span)`, `fmt_phone(number)`, all in the court's time zone.
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

    def page(self, request: web.Request, template: str, data: dict[str, Any]) -> str:
        """The finished page. An unknown name in a template is an error, never an empty spot."""
        from dispatch.web.request import REQUEST_ID, clerk_contact, csrf, ctx, language, visitor, zone

        tag, context = language(request), ctx(request)
        words = catalogue(tag)
        person = visitor(request)
        court = context.settings.court_en if tag == "en" else context.settings.court
        token = csrf(request)
        common: dict[str, Any] = {
            "_": words.gettext,
            "lang": tag,
            "languages": list(LANGUAGES),
            "me": person,
            "court": court,
            "clerk_phone": clerk_contact(request),
            "path": request.path,
            "csrf": token,
            "csrf_field": lambda: Markup('<input type="hidden" name="_csrf" value="{}">').format(token),
            "now": context.clock(),
            "large_text": (request.cookies.get("text") or (person.text if person else "")) == "large",
            "theme": person.theme if person else "light",
            "request_id": request.get(REQUEST_ID, ""),
            "time_zone": context.settings.time_zone,
            "navigation": entries(person.role, request.path) if person else [],
            "inline_entries": INLINE,
            "centre_sections": sections(person.role, request.path) if person else [],
            "switch": lambda name, value: str(request.rel_url.update_query({name: value})),
            **formats.for_page(tag, zone(request)),
        }
        return self.environment.get_template(template).render(**(common | data))


TEMPLATES = web.AppKey("templates", Templates)
