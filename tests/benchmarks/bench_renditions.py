"""SPEED row 8: a 2048x2048 PNG to three WebP widths, against django-imagekit and Wagtail.

Each side imports its library itself: memory is measured in a process per side, over a base without the others.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import by_turns, goal, peak_megabytes, photograph

WIDTHS = (400, 800, 1600)
QUALITY = 80


@cache
def source() -> bytes:
    """The picture, kept in a file so that the memory of making it is not counted."""
    kept = Path(tempfile.gettempdir()) / "image-studio-benchmark-2048.png"
    if not kept.exists():
        photograph(2048).save(kept)
    return kept.read_bytes()


def studio() -> Callable[[], list[bytes]]:
    from image_studio.imaging.decode import decode
    from image_studio.imaging.renditions import Spec, renditions

    data = source()
    specs = [Spec(width=width, format="webp", quality=QUALITY) for width in WIDTHS]
    renditions(decode(small_png()).image, specs)
    return lambda: [made.data for made in renditions(decode(data).image, specs)]


def imagekit() -> Callable[[], list[bytes]]:
    _django()
    from imagekit import ImageSpec
    from imagekit.processors import ResizeToFit

    data = source()

    def one(width: int, source: bytes) -> bytes:
        class Spec(ImageSpec):
            processors = [ResizeToFit(width, upscale=False)]
            format = "WEBP"
            options = {"quality": QUALITY}

        return Spec(source=io.BytesIO(source)).generate().read()

    one(8, small_png())
    return lambda: [one(width, data) for width in WIDTHS]


def wagtail() -> Callable[[], list[bytes]]:
    _django()
    from wagtail.images.models import Filter, Image

    data = source()
    image = Image(title="source", file="source.png", width=2048, height=2048, collection_id=1)

    def one(width: int, source: bytes) -> bytes:
        output = io.BytesIO()
        Filter(spec=f"width-{width}|format-webp|webpquality-{QUALITY}").run(image, output, source=io.BytesIO(source))
        return output.getvalue()

    one(8, small_png())
    return lambda: [one(width, data) for width in WIDTHS]


def small_png() -> bytes:
    """Enough to load every plugin, so that imports are not measured."""
    target = io.BytesIO()
    photograph(16).save(target, "PNG")
    return target.getvalue()


def _django() -> None:
    import django
    from django.conf import settings

    if not settings.configured:
        apps = "contrib.auth contrib.contenttypes contrib.sessions contrib.messages contrib.staticfiles"
        settings.configure(
            INSTALLED_APPS=[
                *(f"django.{app}" for app in apps.split()),
                "imagekit",
                "taggit",
                "wagtail",
                "wagtail.admin",
                "wagtail.images",
                "wagtail.users",
            ],
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
            SECRET_KEY="benchmark",
            STATIC_URL="/static/",
            ROOT_URLCONF="wagtail.urls",
            WAGTAIL_SITE_NAME="benchmark",
            WAGTAILADMIN_BASE_URL="http://localhost",
            USE_TZ=True,
        )
        django.setup()


def measure(short: bool) -> list[dict[str, Any]]:
    sides = [studio(), imagekit(), wagtail()]
    weights = [sum(map(len, side())) for side in sides]
    ours, kit, tail = by_turns(*sides, rounds=3 if short else 9)
    name = "2048x2048 PNG to 3 WebP widths"
    memory, kit_memory, tail_memory = (
        peak_megabytes("tests.benchmarks.bench_renditions", side) for side in ("studio", "imagekit", "wagtail")
    )
    shown = {"ours_wall": round(ours.wall, 1), "ours_bytes": weights[0]}
    over = {"unit": "MB over base", "name": f"{name}, memory", "goal": "<= 60 MB"}
    return [
        goal(f"{name}, against imagekit", ours.cpu, kit.cpu, 0.65, theirs_bytes=weights[1], **shown),
        goal(f"{name}, against Wagtail", ours.cpu, tail.cpu, 0.55, theirs_bytes=weights[2], **shown),
        {**goal(name, memory, tail_memory, 1.0), **over, "ok": memory <= 60, "imagekit": round(kit_memory, 1)},
    ]
