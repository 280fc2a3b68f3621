"""How somebody acts on a page: with the mouse, or with the keyboard alone. A test that is given a hand does the same with either."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Locator, Page, expect

FAR = 200
"""So many stops a page may have at most between two things that are done one after the other."""
AT = "element => element.closest('a, button, input, select, textarea, summary, [tabindex]') === document.activeElement"
RING = """element => {
  if (!element.isConnected) return 'drawn anew';
  const box = element.getBoundingClientRect();
  if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) return 'out of sight';
  // On itself, on the label that stands for it, on what is drawn in it; or as a frame that is laid over it.
  const drawn = [element, element.closest('label'), element.firstElementChild].some((one) => {
    if (one === null) return false;
    const [own, over] = [getComputedStyle(one), getComputedStyle(one, '::before')];
    const outlined = own.outlineStyle !== 'none' && parseFloat(own.outlineWidth) >= 2;
    return outlined || (over.content !== 'none' && parseFloat(over.borderTopWidth) >= 3);
  });
  return drawn ? '' : 'without a ring';
}"""
HERE = """() => {
  const lost = window.__handled === true && document.activeElement === document.body;
  window.__handled = true;
  return lost;
}"""


class Hand(ABC):
    """Acts on the page of one person. `faults`: what the page made hard for it, in words."""

    page: Page
    faults: list[str]

    @abstractmethod
    async def goes_to(self, what: Locator) -> None:
        """Choose it without doing anything with it."""

    @abstractmethod
    async def presses(self, what: Locator) -> None:
        """A button, a link or the like."""

    @abstractmethod
    async def writes(self, where: Locator, text: str) -> None:
        """Have this text in a field, instead of what was there."""

    @abstractmethod
    async def ticks(self, box: Locator, on: bool = True) -> None:
        """Have a box ticked, or not."""

    @abstractmethod
    async def chooses(self, where: Locator, text: str) -> None:
        """In a list, the entry with this text in it."""

    @abstractmethod
    async def hands_over(self, where: Locator, file: Path) -> None:
        """A file, by the browser's own dialog."""

    @abstractmethod
    async def brings(self, source: Locator, window: Locator) -> None:
        """A source of the wall into one of its windows."""


@dataclass
class Mouse(Hand):
    """Points and clicks."""

    page: Page
    faults: list[str] = field(default_factory=list)

    async def goes_to(self, what: Locator) -> None:
        await what.click()

    async def presses(self, what: Locator) -> None:
        await what.click()

    async def writes(self, where: Locator, text: str) -> None:
        await where.click()
        await where.fill(text)

    async def ticks(self, box: Locator, on: bool = True) -> None:
        await box.set_checked(on)

    async def chooses(self, where: Locator, text: str) -> None:
        options = await where.locator("option").all_inner_texts()
        await where.select_option(label=next(each for each in options if text in each))

    async def hands_over(self, where: Locator, file: Path) -> None:
        async with self.page.expect_file_chooser() as asked:
            await where.locator("xpath=ancestor::label").click()
        await (await asked.value).set_files(file)

    async def brings(self, source: Locator, window: Locator) -> None:
        await source.drag_to(window)


@dataclass
class Keys(Hand):
    """Tab, arrows, Enter, Space, and the keys that a page says it has (aria-keyshortcuts). Where a page loses the focus, leaves it without
    a ring or out of sight, that is a fault."""

    page: Page
    faults: list[str] = field(default_factory=list)

    async def goes_to(self, what: Locator) -> None:
        await expect(what).to_be_enabled()
        if await self.page.evaluate(HERE):
            self.faults.append(f"the focus was lost before {what}")
        if await what.get_attribute("tabindex") == "-1":
            await self._in_a_group(what)
        else:
            await self._by_tab(what)
        while (fault := await what.evaluate(RING)) == "drawn anew":
            pass
        if fault:
            self.faults.append(f"{fault}: {what}")

    async def _by_tab(self, what: Locator) -> None:
        for _ in range(FAR):
            if await what.evaluate(AT):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached by Tab: {what}")

    async def _in_a_group(self, what: Locator) -> None:
        """A group is one stop of Tab; within it the arrows go to what lies there."""
        group = await what.evaluate("element => element.localName")
        await self._by_tab(self.page.locator(f'{group}[tabindex="0"]'))
        for _ in range(FAR):
            if await what.evaluate(AT):
                return
            here, there = await self.page.locator(":focus").bounding_box(), await what.bounding_box()
            assert here is not None
            assert there is not None
            right, down = there["x"] - here["x"], there["y"] - here["y"]
            key = ("ArrowRight" if right > 0 else "ArrowLeft") if abs(right) > 2 else "ArrowDown" if down > 0 else "ArrowUp"
            await self.page.keyboard.press(key)
        raise AssertionError(f"not reached by arrows: {what}")

    async def presses(self, what: Locator) -> None:
        await expect(what).to_be_visible()
        await expect(what).to_be_enabled()
        if key := await what.get_attribute("aria-keyshortcuts"):
            await self.page.keyboard.press(key)
            return
        await self.goes_to(what)
        await self.page.keyboard.press("Enter")

    async def writes(self, where: Locator, text: str) -> None:
        await self.goes_to(where)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.type(text)

    async def ticks(self, box: Locator, on: bool = True) -> None:
        await self.goes_to(box)
        if await box.is_checked() != on:
            await self.page.keyboard.press("Space")
        await expect(box).to_be_checked(checked=on)

    async def chooses(self, where: Locator, text: str) -> None:
        await self.goes_to(where)
        await self.page.keyboard.press("Home")
        for _ in await where.locator("option").all():
            if text in await where.evaluate("list => list.selectedOptions[0].textContent"):
                return
            await self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no {text} in {where}")

    async def hands_over(self, where: Locator, file: Path) -> None:
        await self.goes_to(where)
        async with self.page.expect_file_chooser() as asked:
            await self.page.keyboard.press("Space")  # Enter does nothing on a field for files
        await (await asked.value).set_files(file)

    async def brings(self, source: Locator, window: Locator) -> None:
        """Enter on a window asks what is to stand there; the name that the page shows finds it."""
        await self.goes_to(window)
        await self.page.keyboard.press("Enter")
        await self.page.keyboard.type(await source.locator("b").inner_text())
        await self.page.keyboard.press("Enter")
