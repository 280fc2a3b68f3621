"""What the User-Agent header says about a browser: its name for the clerk, and whether it is one that cannot hold a hearing.

Only a first sorting, so that an embedded browser gets its page before it has loaded anything; the page itself then
tests what the browser can do (static/js/join.js).
"""

from __future__ import annotations

from dataclasses import dataclass

_EMBEDDED = (
    ("MicroMessenger", "WeChat"),
    ("wxwork", "WeCom"),
    ("DingTalk", "DingTalk"),
    ("AlipayClient", "Alipay"),
    ("Weibo", "Weibo"),
    ("aweme", "Douyin"),
    ("Lark", "Lark"),
    (" QQ/", "QQ"),
    ("; wv)", "WebView"),
)
_BROWSERS = (
    ("Edg", "Edge"),
    ("HuaweiBrowser", "Huawei Browser"),
    ("MiuiBrowser", "Mi Browser"),
    ("MQQBrowser", "QQ Browser"),
    ("QQBrowser", "QQ Browser"),
    ("OPR/", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Agent:
    """`embedded`: the app whose window this is, "" for a browser proper; `trident`: Internet Explorer or its engine."""

    browser: str
    system: str
    embedded: str
    trident: bool

    @property
    def supported(self) -> bool:
        """Whether it is worth trying."""
        return not self.embedded and not self.trident

    def __str__(self) -> str:
        return f"{self.embedded or self.browser} · {self.system}" if self.system else self.embedded or self.browser


def parse(header: str) -> Agent:
    """The agent of a User-Agent header; what is unknown is called "Browser" and is tried."""

    def first(table: tuple[tuple[str, str], ...], default: str) -> str:
        return next((name for mark, name in table if mark in header), default)

    trident = "Trident/" in header or "MSIE " in header
    return Agent(
        browser="Internet Explorer" if trident else first(_BROWSERS, "Browser"),
        system=first(_SYSTEMS, ""),
        embedded=first(_EMBEDDED, ""),
        trident=trident,
    )
