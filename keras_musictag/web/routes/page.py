"""The page: one HTML file and what it loads, all from this server."""

import secrets
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

STATIC = Path(__file__).parents[1] / "static"
# replaced in index.html by a number that is used once: <style nonce="CSP_NONCE"> is then allowed
NONCE_MARK = "CSP_NONCE"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    text = (STATIC / "index.html").read_text(encoding="utf-8").replace(NONCE_MARK, nonce)
    return HTMLResponse(text, headers={"Content-Security-Policy": page_policy(nonce)})


def page_policy(nonce: str) -> str:
    """The content security policy of the page: nothing from another host, and no script or style in the HTML."""
    return (
        f"default-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
