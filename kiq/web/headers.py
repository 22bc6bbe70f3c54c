"""The headers of every answer, whatever it is."""

from __future__ import annotations

from werkzeug.wrappers import Response

_CONTENT = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types kiq",
    )
)
_ALWAYS = {
    "Content-Security-Policy": _CONTENT,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def secure(response: Response) -> None:
    """Add what keeps a browser from running, framing, guessing or keeping what it should not."""
    for name, value in _ALWAYS.items():
        response.headers[name] = value
    # Also parts of a page: a cache in between would show another user's page, or one of yesterday.
    response.headers.setdefault("Cache-Control", "private, no-store")
