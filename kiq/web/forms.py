"""Whether a POST comes from one of our own pages."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Request, Response

FIELD = "token"
_COOKIE_BYTES = 32


class Forms:
    """The check of where a POST comes from. *secret* must be the same in all processes of a mount.

    Browsers say with ``Sec-Fetch-Site`` where a request comes from. Those that do not (old ones, and all
    of them over plain http under another name than localhost) must show the token of a form, which goes
    with a cookie, and an Origin that is ours.
    """

    def __init__(self, secret: bytes, cookie: str) -> None:
        self._secret = secret
        self._cookie = cookie

    def token_for(self, request: Request, response_cookies: dict[str, str]) -> str:
        """Return the token for the forms of a page; puts a cookie to be set where there is none."""
        own = request.cookies.get(self._cookie) or response_cookies.get(self._cookie)
        if not own or len(own) > 2 * _COOKIE_BYTES:
            own = secrets.token_urlsafe(_COOKIE_BYTES)
        response_cookies[self._cookie] = own
        return self._sealed(own)

    def check(self, request: Request) -> None:
        """Raise Forbidden for a POST that another site may have caused."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            if site != "same-origin":
                raise Forbidden(f"this form was sent from another site (Sec-Fetch-Site: {site})")
            return
        origin = request.headers.get("Origin")
        if origin is None or urlsplit(origin).netloc != request.host:
            raise Forbidden(
                "the browser says neither Sec-Fetch-Site nor an Origin that is this host: a proxy may"
                " have taken the headers away, or changed Host"
            )
        shown, own = request.form.get(FIELD, ""), request.cookies.get(self._cookie, "")
        if not own or not hmac.compare_digest(shown.encode(), self._sealed(own).encode()):
            raise Forbidden(
                "the token of the form does not fit: load the page again; with several processes"
                " behind one address, give them one secret"
            )

    def keep(self, response: Response, cookies: dict[str, str], *, path: str, https: bool) -> None:
        """Set the cookies that a page needs."""
        for name, value in cookies.items():
            response.set_cookie(
                name, value, path=path or "/", httponly=True, samesite="Strict", secure=https
            )

    def _sealed(self, own: str) -> str:
        return hmac.new(self._secret, own.encode(), hashlib.sha256).hexdigest()
