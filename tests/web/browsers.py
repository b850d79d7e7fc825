"""A browser as far as HTTP sees it: cookies, the headers about where a request comes from, and the token of forms."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

import aiohttp

from tuishare.web.tokens import derive_form_token

CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"
FORM = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP.
        text: the page.
        headers: of the answer, names in lower case.
    """

    status: int
    text: str
    headers: dict[str, str]

    @property
    def words(self) -> str:
        """The text that a person reads."""
        body = re.sub(r"<head>.*?</head>", "", self.text, flags=re.DOTALL)
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))).strip()

    @property
    def location(self) -> str:
        """Where it leads."""
        return self.headers.get("location", "")


class Browser:
    """One browser. Open it with `async with`.

    Args:
        url: of the page, without a slash at its end.
    """

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self._headers = {"User-Agent": CHROMIUM} | headers
        self._streams: list[aiohttp.ClientResponse] = []

    async def __aenter__(self) -> Browser:
        jar = aiohttp.CookieJar(unsafe=True)
        self._session = aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(ssl=False))
        return self

    async def __aexit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.close()
        await self._session.close()

    @property
    def cookies(self) -> dict[str, str]:
        """All cookies."""
        return {cookie.key: cookie.value for cookie in self._session.cookie_jar}

    def forget_cookies(self) -> None:
        """Delete all cookies."""
        self._session.cookie_jar.clear()

    def take_cookies(self, cookies: dict[str, str]) -> None:
        """Have these cookies, too."""
        self._session.cookie_jar.update_cookies(cookies)

    async def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return await self._request("GET", path, {"Sec-Fetch-Site": "none"} | headers)

    async def post(self, path: str, fields: Any = None, **headers: str) -> Answer:
        """Send a form with its token."""
        pairs = list((fields or {}).items()) if isinstance(fields, dict | None) else list(fields)
        return await self._request(
            "POST", path, FORM | headers, data=aiohttp.FormData([("token", self.token), *pairs])
        )

    async def _request(self, method: str, path: str, headers: dict[str, str], data: Any = None) -> Answer:
        async with self._session.request(
            method, self.url + path, headers=self._headers | headers, data=data, allow_redirects=False
        ) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, await answer.text(), found)

    @property
    def token(self) -> str:
        """The token that a form of the page has now."""
        cookies = self.cookies
        kept = [value for name, value in cookies.items() if "session" in name] or [
            value for name, value in cookies.items() if "visitor" in name
        ]
        return derive_form_token(kept[0]) if kept else ""

    async def stream(self, path: str) -> aiohttp.ClientResponse:
        """Open a live stream; it is closed with the browser at the latest."""
        answer = await self._session.get(
            self.url + path, headers=self._headers | {"Sec-Fetch-Site": "same-origin"}
        )
        self._streams.append(answer)
        return answer
