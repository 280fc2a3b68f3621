"""The route table: every address, who answers and who may ask. A test walks it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from dispatch.web.access import Route

MODULES = (
    *("health", "signing_in", "home", "booking", "requests", "day_lists", "sittings", "today", "devices", "users", "audit", "trust"),
    *("series_prolong", "messages", "feeds", "exchange", "webhooks", "history", "use"),
    *("find_time", "waiting_files", "waiting_list", "listing_page", "asked_page", "api.slots", "api.waiting", "api.listings"),
    *("first_run", "preferences", "room_catalogue", "role_table"),
    *("site_catalogue", "resource_catalogue", "closure_catalogue", "calendar_catalogue", "sitting_templates", "procedure_catalogue"),
    *("joining", "device_check", "room_seats", "hearing", "stills", "connections", "archive", "recorded_media", "copies"),
    *("console.map", "console.roll_call", "api.map", "api.roll_calls"),
    *("console.board", "console.views", "console.stepping", "console.breaking_in", "console.talking", "console.alerts", "api.alerts"),
    *("console.reports", "api.reports"),
    *("console.field_page", "console.field_live", "api.field_feeds", "console.field_files", "console.field_tasks", "console.field_teams"),
    *("console.wall_screens", "console.wall", "console.wall_lines", "api.presets"),
    "console.shift",
    *("explanations", "keeping", "keeping_settings", "keeping_recording", "keeping_destruction", "storage", "api.storage"),
    *("api.sittings", "api.series", "api.decisions"),
    *("api.participants", "api.events", "api.quality", "api.rooms", "api.people", "api.recordings", "api.copies", "api.keeping"),
    *("api.messages", "api.catalogue", "api.tasks"),
    *("api.templates", "api.procedures", "api.history", "api.use"),
    *("api.feeds", "api.imports", "api.exports", "api.webhooks"),
    *("api.openapi", "api.reference", "api.tokens"),
)


def _collect() -> tuple[Route, ...]:
    found: list[Route] = []
    for name in MODULES:
        if find_spec(f"dispatch.web.{name}") is not None:
            found.extend(import_module(f"dispatch.web.{name}").ROUTES)
    return tuple(found)


ROUTES: tuple[Route, ...] = _collect()
