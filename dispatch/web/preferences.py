"""What a member of the staff likes: theme, text size, language. Kept with the account, so that it holds on every device."""

from __future__ import annotations

from dispatch.errors import ValidationFailed
from dispatch.identity import people
from dispatch.web.access import STAFF, Route
from dispatch.web.middleware import LANGUAGE_COOKIE, TEXT_COOKIE
from dispatch.web.request import Request, Response, ctx, form, gettext, me, render, see_other


async def show(request: Request) -> Response:
    """The page."""
    _, user = gettext(request), me(request)
    groups = [
        {
            "name": "theme",
            "words": _("Colours of the office pages"),
            "value": user.theme,
            "options": [("light", _("Light")), ("dark", _("Dark"))],
        },
        {
            "name": "text",
            "words": _("Text size"),
            "value": user.text,
            "options": [("normal", _("Normal text")), ("large", _("Larger text"))],
        },
        {
            "name": "language",
            "words": _("Language"),
            "value": user.language,
            "options": [("zh-CN", "中文"), ("en", "English")],
        },
    ]
    return render(request, "staff/preferences.html", groups=groups, saved="saved" in request.query)


async def save(request: Request) -> Response:
    """Keep them. The switches of this browser give way to what was chosen for the account."""
    fields = await form(request)
    chosen = people.Preferences(fields.get("theme", ""), fields.get("text", ""), fields.get("language", ""))
    if not chosen.valid:
        raise ValidationFailed([("theme", "preference_unknown", {})])
    await people.set_preferences(ctx(request).db, me(request).id, chosen)
    response = see_other("/preferences?saved")
    for cookie in (LANGUAGE_COOKIE, TEXT_COOKIE):
        response.del_cookie(cookie, path="/")
    return response


ROUTES = (
    Route("GET", "/preferences", show, STAFF),
    Route("POST", "/preferences", save, STAFF),
)
