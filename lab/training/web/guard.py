"""Who may ask: the browser that was given the token, from a page of this server, and nobody else.

Every page of the web may send requests to 127.0.0.1, and a name that its owner points there as well (DNS rebinding).
So the Host has to be this server's, whatever changes something has to come from a page of this server (Origin), and
everything needs a token, which comes once in the address that the terminal prints and is a cookie from then on:
SameSite=Strict, so that no other page's requests carry it, and HttpOnly, so that no script reads it.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "lab_review"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page's own policy has the rest
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # so that the browser tells where a form was sent from
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LARGEST = 512 << 10  # bytes of a request


class Guard:
    """In front of an application on ``port``."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        answer = self._refusal(scope) or self._admission(scope) or self._app
        await answer(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        """Why it is not answered; None if it may be."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self._hosts:
            return PlainTextResponse("this server is 127.0.0.1 and nothing else", 421)
        if scope["method"] not in ("GET", "HEAD") and headers.get("origin") != f"http://{host}":
            return PlainTextResponse("this did not come from a page of this server", 403)
        length = headers.get("content-length", "0" if scope["method"] in ("GET", "HEAD") else "")
        if not length.isdecimal() or int(length) > _LARGEST:
            return PlainTextResponse(f"more than {_LARGEST >> 10} KiB", 413)
        return None

    def _admission(self, scope: Scope) -> ASGIApp | None:
        """The way in for who has the token in the address; None for who has been let in before."""
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and given and self._is_token(given):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(COOKIE, self._token, httponly=True, samesite="strict", path="/")
            return answer
        try:
            cookie = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if cookie is not None and self._is_token(cookie.value):
            return None
        return PlainTextResponse("open the address that `lab review --web` printed: it has a token", 403)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._token.encode())
