"""A visit to a site's pages, as a browser makes it: cookies, the token of a changing request, the data of a page."""

from __future__ import annotations

import json
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientTimeout, CookieJar, TCPConnector
from yarl import URL

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
LIMIT_S = 30.0
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_NOTICE = re.compile(r'name="sha256" value="([^"]+)"')
_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)


class PageRefused(Exception):
    """A page did not come as expected. `status` of HTTP, `path` without what is secret in it."""

    def __init__(self, status: int, path: str, code: str = "") -> None:
        super().__init__(f"{path}: {status} {code}".rstrip())
        self.status = status
        self.path = path
        self.code = code


class Visit:
    """`site` is the address without a path; `tls` what it trusts, by default what the machine trusts."""

    def __init__(self, site: str, tls: ssl.SSLContext | None = None, language: str = "zh-CN") -> None:
        self.site = site.rstrip("/")
        self.tls = tls
        self.sitting = ""
        self._token = ""
        self._page = ""
        self._session = ClientSession(
            connector=TCPConnector(ssl=tls if tls is not None else True),
            cookie_jar=CookieJar(unsafe=True),  # a site may be an address, as 127.0.0.1
            headers={"User-Agent": BROWSER, "Accept-Language": language},
            timeout=ClientTimeout(total=LIMIT_S),
        )

    async def open(self, url: str) -> str:
        """A page, following redirects; its text. Raises :class:`PageRefused`, aiohttp.ClientError, TimeoutError."""
        async with self._session.get(url if "://" in url else self.site + url) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise PageRefused(answer.status, _told(answer.url.path))
            found = _TOKEN.search(text)
            self._token, self._page = found[1] if found else self._token, text
            return text

    async def open_link(self, link: str) -> str:
        """A personal link; consumes nothing. Returns the sitting's id."""
        await self.open(link)
        found = re.search(r"/join/sitting/([A-Za-z0-9_-]+)/", self._page)
        if found is None:
            raise PageRefused(200, "/join/…", "no_sitting")
        self.sitting = found[1]
        return self.sitting

    async def consent(self) -> None:
        """Agree to the notice that was shown."""
        notice = _NOTICE.search(self._page)
        if notice is not None:
            await self.post(f"/join/sitting/{self.sitting}/consent", {"sha256": notice[1], "agree": "yes"})

    async def post(self, path: str, fields: dict[str, str]) -> None:
        """Send a form; raises :class:`PageRefused` unless it leads on."""
        form = {"_csrf": self._token, **fields}
        async with self._session.post(self.site + path, data=form, allow_redirects=False) as answer:
            if answer.status != 303:
                raise PageRefused(answer.status, _told(path))

    async def send(self, path: str, body: dict[str, Any]) -> Any:
        """Send JSON; the answer's data. Raises :class:`PageRefused` with the problem's code."""
        headers = {"X-CSRF-Token": self._token, "Origin": self.site, "Accept": "application/json"}
        async with self._session.post(self.site + path, json=body, headers=headers) as answer:
            data = await answer.json(content_type=None)
            if answer.status != 200:
                raise PageRefused(answer.status, _told(path), str((data or {}).get("code", "")))
            return data

    def data(self) -> Any:
        """What the newest page was given as data."""
        found = _DATA.search(self._page)
        if found is None:
            raise PageRefused(200, "the page", "no_data")
        return json.loads(found[1])

    def cookies(self) -> str:
        """The Cookie header of a request to the site."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self._session.cookie_jar.filter_cookies(URL(self.site)).items())

    def socket_url(self, path: str) -> str:
        """The address of a WebSocket."""
        parts = urlsplit(self.site)
        return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{path}"

    async def close(self) -> None:
        """End the visit. May be called twice."""
        await self._session.close()


def _told(path: str) -> str:
    return re.sub(r"(/join/)(?!sitting/)[^/]+", r"\1…", path)
