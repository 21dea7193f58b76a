"""Fetches pictures that a server only links to. Imported late, with the HTTP client."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from image_studio.providers.openai_client import Wire, http_client
from image_studio.providers.openai_scan import HEAD, Picture, refused_link

#: Seconds that one picture may take.
SECONDS = 60.0


async def fetch(url: str, path: Path, *, wire: Wire, most: int, seconds: float) -> Picture:
    """The picture behind a link, in a file; a fault in its place where it cannot be had.

    Only https, or the very server that was asked; no redirect is followed and no key is sent.

    :param most: bytes.
    """
    if not allowed(url, wire.base_url):
        return refused_link(path)
    picture = Picture(path)
    try:
        async with asyncio.timeout(max(1.0, min(seconds, SECONDS))), http_client(wire) as client:
            await _load(client, url, picture, most)
    except Exception:  # noqa: BLE001 - whatever a strange address does must not cost the pictures beside it
        picture.fault = "answer.link_failed"
    return picture


def allowed(url: str, base_url: str) -> bool:
    """Whether a link may be followed."""
    try:
        link, base = httpx2.URL(url), httpx2.URL(base_url)
    except httpx2.InvalidURL:
        return False
    same = (link.scheme, link.host, link.port) == (base.scheme, base.host, base.port)
    return bool(link.host) and not link.userinfo and (link.scheme == "https" or same)


async def _load(client: httpx2.AsyncClient, url: str, picture: Picture, most: int) -> None:
    async with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code != 200 or response.headers.get("content-encoding"):
            picture.fault = "answer.link_failed"
            return
        with picture.path.open("wb") as file:
            async for part in response.aiter_raw():
                picture.size += len(part)
                if picture.size > most:
                    picture.fault = "answer.too_large"
                    return
                picture.head += part[: HEAD - len(picture.head)]
                file.write(part)
    picture.whole = True
    picture.fault = "" if picture.size else "answer.empty"
