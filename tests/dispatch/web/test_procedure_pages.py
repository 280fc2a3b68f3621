"""The administrator's pages of procedures: what each kind is held by, a version as tables, and the unit's own checked and adopted."""

from __future__ import annotations

import html
import re

import pytest
from aiohttp import FormData

from dispatch.sittings import procedures
from dispatch.store.tables import ProcedureVersion
from rooms.procedure import BRIEF_COURT, PROCEDURES, SHIPPED
from tests.dispatch.making import audited
from tests.dispatch.web.conftest import NOW, Person, Site

HOME = "/settings/procedures"
WRITE = f"{HOME}/write"
COURT = PROCEDURES["remote_court"]
OWN = (
    COURT.text.replace("version: 2026-1", "version: 云河 2027")
    .replace("party: S°VPL", "party: SVPL", 1)
    .replace("    needs: [consents]\n", "", 1)
)
"""A court in which a party speaks without being given the floor, and which debates without asking for consents again."""


def words(page: str) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def typed(page: str) -> str:
    """The text in the field."""
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


async def told(person: Person, text: str, status: int = 200, **fields: str) -> str:
    answer = await person.post(WRITE, {"text": text, "act": "check"} | fields)
    page = await answer.text()
    assert answer.status == status, words(page)
    return page


async def kept_of(site: Site, sitting: str) -> str:
    """The text by which a sitting was opened, as its log has it."""
    rows = await site.context.hub.rows(sitting)
    return next(str(row.data["plan"]["procedure"]) for row in rows if "plan" in row.data)


async def test_each_kind_is_listed_with_its_version_its_source_and_the_others(site: Site) -> None:
    admin = await site.signed_in("administrator")
    page = await admin.page(HOME)
    for kind in PROCEDURES:
        card = page.partition(f'id="{kind}"')[2].partition("</section>")[0]
        assert "In force now" in card
        assert PROCEDURES[kind].names["en"] in card
        assert PROCEDURES[kind].source in html.unescape(card)
    assert BRIEF_COURT.names["en"] in page
    await procedures.adopt(site.db, BRIEF_COURT.text, site.users["administrator"], NOW)
    card = words((await admin.page(HOME)).partition('id="remote_court"')[2].partition("</section>")[0])
    assert re.search(r"In force now Short court hearing 2025-1 Adopted by Administrator, .* · comes with the program", card)


@pytest.mark.parametrize(("kind", "version"), SHIPPED)
async def test_a_version_is_shown_as_tables_of_stages_roles_and_rights(site: Site, kind: str, version: str) -> None:
    admin = await site.signed_in("administrator")
    found = SHIPPED[kind, version]
    page = await admin.page(f"{HOME}/{kind}-{version}")
    said = words(page)
    for stage in found.stages.values():
        assert stage.names["en"] in said
        assert stage.source in said
    cells = re.findall(r'<td title="[^"]*"><span[^>]*>([^<]+)</span>', page)
    wanted = [found.rights[stage][role].letters if role in found.rights[stage] else "–" for role in found.order for stage in found.stages]
    assert [html.unescape(cell) for cell in cells] == [letters or "–" for letters in wanted]
    answer = await admin.get(f"{HOME}/{kind}-{version}/text")
    assert await answer.text() == found.text
    assert f"{kind}-{version}.yaml" in answer.headers["Content-Disposition"]


async def test_another_version_says_in_words_what_differs_stage_by_stage(site: Site) -> None:
    admin = await site.signed_in("administrator")
    said = words(await admin.page(f"{HOME}/remote_court-2025-1"))
    assert "What differs from 2026-1, the version in force" in said
    assert "In session New stage" in said
    assert "Debate There no more" in said
    assert "Witness: rights, new: speak: microphone and camera, see and hear the others, leave at will" in said
    assert "What differs" not in words(await admin.page(f"{HOME}/remote_court-2026-1"))


async def test_of_a_bad_text_each_line_is_named_and_the_text_is_kept(site: Site) -> None:
    admin = await site.signed_in("administrator")
    bad = OWN.replace("chair: judge", "chair: king").replace("next: [debate,", "next: [debat,").replace("\n", "\r\n")
    page = await told(admin, bad, 422)
    assert typed(page) == bad.replace("\r\n", "\n")
    named = [(int(number), html.unescape(line)) for number, line in re.findall(r'"line-number">(\d+)</span><code>([^<]*)<', page)]
    lines = bad.split("\r\n")
    assert named
    assert all(line == lines[number - 1] for number, line in named)
    assert {line.strip().partition(":")[0] for _number, line in named} >= {"chair", "next"}
    assert "name=\"act\" value=\"adopt\"" not in page
    for text in ("", "just words", "a: [b", "x" * 100_001):
        assert typed(await told(admin, text, 422)) == text


async def test_a_text_is_checked_compared_and_adopted_and_the_next_sitting_is_opened_by_it(site: Site) -> None:
    clerk, admin = await site.signed_in("clerk"), await site.signed_in("administrator")
    await clerk.page("/sittings/new")
    opened, later = await site.booked(clerk), await site.booked(clerk, start="16:00", case_number="（2026）京0105民初32号")
    await site.context.live.ensure_open(opened)
    page = await told(admin, OWN)
    said = words(page)
    assert "No mistakes: Remote court, Ordinary court hearing 云河 2027" in said
    assert "Roll-call Party: rights, new: speak: microphone and camera" in said
    assert "Party: rights, no more: speak while holding the floor" in said
    assert "Debate Needed before, no more: consents" in said
    assert "Sittings of this kind that are open already keep their version" in said
    assert await procedures.adopted(site.db, "remote_court") is None, "a check adopts nothing"
    answer = await admin.post(WRITE, {"text": OWN, "act": "adopt", "checked": hidden(page, "checked"), "held": hidden(page, "held")})
    assert answer.status == 303
    assert "This version is in force" in await admin.page(answer.headers["Location"])
    assert [row.actor for row in await audited(site.db, "procedure_adopted")] == ["Administrator"]
    await site.context.live.ensure_open(later)
    assert [await kept_of(site, each) for each in (opened, later)] == [COURT.text, OWN]


async def test_what_was_changed_after_the_check_is_not_adopted_unseen(site: Site) -> None:
    admin = await site.signed_in("administrator")
    page = await told(admin, OWN)
    other = OWN.replace("云河 2027", "云河 2028")
    answer = await told(admin, other, act="adopt", checked=hidden(page, "checked"), held=hidden(page, "held"))
    assert "changed after it had been checked" in words(answer)
    assert typed(answer) == other
    assert await procedures.adopted(site.db, "remote_court") is None


async def test_what_another_has_adopted_meanwhile_is_looked_at_first(site: Site) -> None:
    admin = await site.signed_in("administrator")
    page = await told(admin, OWN)
    fields = {"act": "adopt", "checked": hidden(page, "checked"), "held": hidden(page, "held")}
    await procedures.adopt(site.db, BRIEF_COURT.text, "root", NOW)
    refused = await told(admin, OWN, 409, **fields)
    assert "root has adopted 2025-1 in the meantime" in words(refused)
    assert "Debate New stage" in words(refused)
    fields |= {"checked": hidden(refused, "checked"), "held": hidden(refused, "held")}
    assert (await admin.post(WRITE, {"text": OWN} | fields)).status == 303


async def test_a_file_takes_the_place_of_the_text_and_is_checked_at_once(site: Site) -> None:
    admin = await site.signed_in("administrator")
    await admin.page(WRITE)

    async def loaded(content: bytes | None) -> tuple[int, str]:
        form = FormData({"_csrf": admin.token, "act": "load", "text": "what was there"})
        form.add_field("file", content or b"", filename="own.yaml" if content is not None else "", content_type="application/yaml")
        answer = await admin.session.post(WRITE, data=form, allow_redirects=False)
        return answer.status, await answer.text()

    status, page = await loaded(b"\xef\xbb\xbf" + OWN.replace("\n", "\r\n").encode())
    assert (status, typed(page)) == (200, OWN)
    assert "No mistakes" in page
    status, page = await loaded("程序".encode("gbk"))
    assert (status, typed(page)) == (422, "what was there")
    assert 'id="file-error"' in page
    status, page = await loaded(None)
    assert (status, typed(page)) == (422, "what was there")
    assert "Choose a file first" in page


async def test_a_version_that_is_there_is_adopted_again_or_written_on(site: Site) -> None:
    admin = await site.signed_in("administrator")
    assert typed(await admin.page(f"{WRITE}?from=remote_court-2025-1")) == BRIEF_COURT.text
    page = await admin.page(f"{WRITE}?from=remote_court-2025-1&check")
    fields = {"text": BRIEF_COURT.text, "act": "adopt", "checked": hidden(page, "checked"), "held": hidden(page, "held")}
    assert (await admin.post(WRITE, fields)).status == 303
    assert "word for word" in words(await told(admin, BRIEF_COURT.text))
    assert (await admin.get(f"{HOME}/remote_court-1999")).status == 404
    assert (await admin.get(f"{WRITE}?from=0123456789abcdef")).status == 404


async def test_a_version_that_this_program_cannot_read_any_more_is_named_and_can_be_replaced(site: Site) -> None:
    admin = await site.signed_in("administrator")
    made = await procedures.adopt(site.db, OWN, "root", NOW)
    async with site.db.writer() as session:
        row = await session.get_one(ProcedureVersion, made.id)
        row.text = OWN.replace("judge", "justice")
    assert "It cannot be read any more" in await admin.page(HOME)
    assert "cannot read this version" in words(await admin.page(f"{HOME}/{made.id}"))
    page = await told(admin, OWN)
    assert "nothing to compare with" in words(page)
    fields = {"text": OWN, "act": "adopt", "checked": hidden(page, "checked"), "held": hidden(page, "held")}
    assert (await admin.post(WRITE, fields)).status == 303
    assert await procedures.held_by(site.db, "remote_court") == procedures.check(OWN)


async def test_only_the_administrator_may(site: Site) -> None:
    for role in ("clerk", "judge", "prosecutor", "officer"):
        person = await site.signed_in(role)
        assert (await person.get(HOME)).status == 403
        assert (await person.post(WRITE, {"text": OWN, "act": "check"})).status == 403
