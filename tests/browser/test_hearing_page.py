"""The hearing's page under the hands of chair, clerk and parties."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import PersonFactory
from tests.browser.court import Court
from tests.browser.hearing import Seat, eventually, take_the_chair, to_the_waiting_room
from tests.browser.participants import PHONE
from tests.browser.site import Site


async def reach(page: Page, target: Locator, limit: int = 60) -> None:
    """Press Tab until `target` has the focus."""
    for _ in range(limit):
        if await target.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"not reached by Tab: {target}")


async def press(page: Page, target: Locator, key: str = "Enter") -> None:
    await reach(page, target)
    await page.keyboard.press(key)


@pytest.mark.main
async def test_a_complete_hearing_by_keyboard_alone(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting((("李明", "party"),))
    chair, li = await person(), await person()
    page, other = chair.page, li.page

    await page.goto(f"{site.url}/sign-in")
    await reach(page, page.locator("input[name=name]"))
    await page.keyboard.type(held.chair.sign_in_name)
    await reach(page, page.locator("input[name=password]"))
    await page.keyboard.type(held.chair.password)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda address: "/sign-in" not in address)
    await page.goto(f"{site.url}/hearing/{held.id}")
    for number in range(2):
        await press(page, page.locator("own-preview .switch").nth(number), "Space")
        await expect(page.locator("own-preview .switch").nth(number)).to_have_attribute("aria-pressed", "true")
    await press(page, page.locator('[data-part="enter"]'))
    seat = Seat(chair, held.chair.user.name)
    await seat.until_inside()

    await other.goto(held.links["李明"])
    await press(other, other.locator("input[name=agree]"), "Space")
    await press(other, other.locator("form[action$=consent] button"))
    await other.wait_for_url(re.compile("/check$"))
    await press(other, other.locator('[data-part="start"]'))
    await expect(other.locator('[data-check="speaker"]')).to_have_attribute("data-state", "running", timeout=30_000)
    await press(other, other.get_by_role("button", name="听到了"))
    await expect(other.locator('[data-part="next"]')).to_be_focused(timeout=40_000)
    await other.keyboard.press("Enter")
    await other.wait_for_selector('#hearing[data-screen="waiting"]')
    for number in range(2):
        await press(other, other.locator("own-preview .switch").nth(number), "Space")

    await press(page, page.locator('[data-act="admit"]'))
    party = Seat(li, "李明")
    await party.until_inside()
    await expect(other.locator('[data-part="entrance-now"]')).to_be_focused()
    await other.keyboard.press("Enter")
    await seat.sees("李明")
    await party.sees(seat.name)

    await press(page, page.locator('[data-act="stage"][data-to="hearing"]'))
    await expect(page.locator('dialog[open] button[type="submit"]')).to_be_focused()
    await page.keyboard.press("Enter")
    await party.until_stage("hearing")

    await press(page, page.locator('[data-act="mute"][data-source="microphone"]'))
    await expect(other.locator('[data-part="tool-microphone"]')).to_have_attribute("data-condition", "muted")
    await press(page, page.locator('[data-act="allow"][data-source="microphone"]'))
    await expect(other.locator('[data-part="tool-microphone"]')).to_have_attribute("data-condition", "off")
    await other.keyboard.press("m")
    await expect(other.locator('[data-part="tool-microphone"]')).to_have_attribute("aria-pressed", "true")
    await other.keyboard.press("v")
    await expect(other.locator('[data-part="tool-camera"]')).to_have_attribute("aria-pressed", "false")
    await other.keyboard.press("?")
    await expect(other.locator("#help")).to_be_visible()
    await other.keyboard.press("Escape")

    for to, stage in (("recess", "recess"), ("hearing", "hearing")):
        await press(page, page.locator(f'[data-act="stage"][data-to="{to}"]'))
        await page.keyboard.press("Enter")
        await party.until_stage(stage)
    await press(page, page.locator('[data-act="stage"][data-to="closed"]'))
    # What cannot be undone begins at "cancel".
    await press(page, page.locator('dialog[open] button[type="submit"]'))
    for ended in (page, other):
        await ended.wait_for_selector('#hearing[data-screen="ended"]')
        await expect(ended.locator('[data-part="end-title"]')).to_be_focused()
    assert (chair.errors, li.errors) == ([], [])


async def test_nobody_is_seen_or_heard_on_admission_before_he_has_seen_it_coming(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(viewport=PHONE), held, "李明")
    await chair.admit("李明")
    await li.until_inside()
    await expect(li.person.page.locator('[data-part="entrance"]')).to_be_visible()
    assert (await chair.participant("李明"))["sources"]["camera"]["on"] is False
    await li.person.page.click('[data-part="entrance-off"]')
    await expect(li.person.page.locator('[data-part="tool-camera"]')).to_have_attribute("aria-pressed", "false")
    assert await li.person.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert await li.person.accessibility_faults() == []

    # Off means that nothing is sent, not that black is sent.
    await li.person.page.keyboard.press("v")
    await chair.sees("李明")
    await li.person.page.keyboard.press("v")
    await expect(li.person.page.locator('[data-part="tool-camera"]')).to_have_attribute("aria-pressed", "false")
    sent = await li.person.packets_sent("video")
    await li.person.page.wait_for_timeout(1500)
    assert await li.person.packets_sent("video") == sent


async def test_what_was_open_before_the_countdown_ended_can_be_opened_again_after_the_chair_closed_it(
    site: Site, court: Court, person: PersonFactory
) -> None:
    held = await court.sitting((("李明", "party"),))
    chair = await take_the_chair(await person(), site, held)
    at = await person()
    quiet = False

    def between(browser: WebSocketRoute) -> None:
        server = browser.connect_to_server()

        def heard(message: str | bytes) -> None:
            told = json.loads(message)
            mine = [p for p in told["view"]["participants"] if p["you"]] if told["type"] == "state" else []
            # Nothing happens that the server would have to tell of, until the chair closes the microphone.
            if not (quiet and mine and not mine[0]["sources"]["microphone"]["muted_by_chair"]):
                browser.send(message)

        server.on_message(heard)
        browser.on_message(server.send)

    await at.page.route_web_socket("**/ws/sittings/*", between)
    li = await to_the_waiting_room(at, held, "李明")
    await chair.admit("李明")
    await expect(at.page.locator('[data-part="entrance"]')).to_be_visible()
    microphone, camera = (at.page.locator(f'[data-part="tool-{source}"]') for source in ("microphone", "camera"))
    for button in (microphone, camera):
        await button.click()
        await expect(button).to_have_attribute("data-condition", "on")
    quiet = True
    await at.page.click('[data-part="entrance-now"]')
    await expect(microphone).to_have_attribute("data-condition", "on")
    await chair.close_microphone_of(li.name)
    await expect(microphone).to_have_attribute("data-condition", "muted")
    quiet = False
    await chair.allow_microphone_of(li.name)
    await expect(microphone).to_have_attribute("data-condition", "off")
    await microphone.click()
    await expect(microphone).to_have_attribute("data-condition", "on")


async def test_a_second_device_waits_until_the_chair_lets_it_replace_the_first(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    first = await to_the_waiting_room(await person(), held, "李明")
    await chair.admit("李明")
    await first.until_inside()
    second = await person()
    await second.page.goto(held.links["李明"])
    await second.page.wait_for_url(re.compile("/join/sitting/"))
    await second.page.goto(f"{site.url}/hearing/{held.id}?via=link")
    await second.page.wait_for_selector('#hearing[data-screen="device_pending"]')
    assert (await first.figures())["screen"] == "inside"
    await chair.person.page.click('[data-act="accept-device"]')
    await second.page.wait_for_selector('#hearing[data-screen="inside"]')
    await first.person.page.wait_for_selector('#hearing[data-screen="ended"]')
    await expect(first.person.page.locator('[data-part="end-title"]')).to_have_text("您已在另一设备上继续")


async def test_removal_needs_a_reason_which_the_removed_person_reads(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(), held, "李明", devices=False)
    await chair.admit("李明")
    await li.until_inside()
    page = chair.person.page
    await page.locator('[data-part="people"] li', has_text="李明").locator("summary").click()
    await page.locator('[data-part="people"] [data-act="remove"]:visible').click()
    await page.click('dialog[open] button[type="submit"]')
    await expect(page.locator("dialog[open] .field-error")).to_have_text("请填写原因。")
    assert await chair.person.accessibility_faults() == []
    await page.fill("#ask-reason", "经警告后仍扰乱法庭秩序")
    await page.click('dialog[open] button[type="submit"]')
    await li.person.page.wait_for_selector('#hearing[data-screen="ended"]')
    await expect(li.person.page.locator('[data-part="end-detail"]')).to_contain_text("经警告后仍扰乱法庭秩序")


async def test_a_reload_comes_back_to_the_same_place_with_the_same_sources(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(), held, "李明")
    await chair.admit("李明")
    await li.person.page.click('[data-part="entrance-now"]')
    await chair.sees("李明")
    endpoint = (await chair.participant("李明"))["endpoint"]
    await li.person.page.reload()
    await li.until_inside()
    await chair.sees("李明")
    assert (await chair.participant("李明"))["endpoint"] == endpoint
    await chair.person.page.reload()
    await chair.until_inside()
    await li.sees(chair.name)


async def test_a_camera_refused_inside_is_explained_above_the_pictures(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await person(granted=False)
    await chair.sign_in(site.url, held.chair.sign_in_name, held.chair.password)
    await chair.page.goto(f"{site.url}/hearing/{held.id}")
    await chair.page.click('[data-part="enter"]')
    await Seat(chair, held.chair.user.name).until_inside()
    await chair.page.keyboard.press("v")
    banner = chair.page.locator('[data-key="trouble-camera"]')
    await expect(banner).to_contain_text("浏览器未获准使用摄像头")
    await expect(chair.page.locator('[data-part="tool-camera"]')).to_have_attribute("aria-busy", "false")
    await chair.context.grant_permissions(["camera", "microphone"])
    await banner.get_by_role("button", name="重试").click()
    await expect(chair.page.locator('[data-part="tool-camera"]')).to_have_attribute("aria-pressed", "true")


async def test_whoever_leaves_comes_back_by_the_waiting_room(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    chair = await take_the_chair(await person(), site, held)
    li = await to_the_waiting_room(await person(), held, "李明", devices=False)
    await chair.admit("李明")
    await li.until_inside()
    await li.person.page.click('[data-part="tool-leave"]')
    await li.person.page.click('dialog[open] button[type="submit"]')
    await li.person.page.wait_for_selector('#hearing[data-screen="ended"]')

    async def has_left() -> bool:
        return str((await chair.participant("李明"))["presence"]) == "left"

    await eventually(has_left, "the chair sees that he has left")
    await li.person.page.get_by_role("button", name="返回", exact=True).click()
    await li.person.page.wait_for_selector('#hearing[data-screen="waiting"]')


async def test_whoever_leaves_sees_the_end_although_the_hearing_is_told_once_more(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    li = await person()
    states: list[str | bytes] = []
    connections: list[WebSocketRoute] = []

    def between(browser: WebSocketRoute) -> None:
        connections.append(browser)
        server = browser.connect_to_server()

        def heard(message: str | bytes) -> None:
            if json.loads(message)["type"] == "state":
                states.append(message)
            browser.send(message)

        def said(message: str | bytes) -> None:
            if json.loads(message)["type"] == "leave":
                browser.send(states[-1])
            server.send(message)

        server.on_message(heard)
        browser.on_message(said)

    await li.page.route_web_socket("**/ws/sittings/*", between)
    await to_the_waiting_room(li, held, "李明", devices=False)
    await li.page.click('[data-part="step-out"]')
    await li.page.click('dialog[open] button[type="submit"]')
    await expect(li.page.locator('[data-part="end-title"]')).to_be_visible()
    await li.page.wait_for_timeout(1500)
    await expect(li.page.locator("#hearing")).to_have_attribute("data-screen", "ended")
    assert len(connections) == 1
    assert li.errors == []


async def test_a_stranger_is_told_to_open_his_link(site: Site, court: Court, person: PersonFactory) -> None:
    held = await court.sitting()
    stranger = await person()
    await stranger.page.goto(f"{site.url}/hearing/{held.id}?via=link")
    await expect(stranger.page.locator("main")).to_contain_text("请打开")
    code = await stranger.page.evaluate(
        """sitting => new Promise(resolve => {
          const socket = new WebSocket(`ws://${location.host}/ws/sittings/${sitting}`, ['sitting.v1']);
          socket.onclose = event => resolve(event.code);
        })""",
        held.id,
    )
    assert code == 4401
