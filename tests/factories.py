"""Rows and pictures for tests: real files in real storage, nothing mocked.

``make_brand`` gives a brand whose kit has a drawn logo for light and dark ground, a palette and lines in English
and Arabic. Every name is unique, so factories can be called as often as a test likes.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from PIL import Image, ImageDraw

from image_studio import conf, storage
from image_studio.brand.kit import (
    Kit,
    KitFiles,
    Layout,
    Line,
    Logo,
    LogoPlacement,
    Swatch,
    Term,
    TextPlacement,
)
from image_studio.catalog import specs
from image_studio.exceptions import Unsupported
from image_studio.imaging.fingerprint import fingerprint, signed
from image_studio.imaging.renditions import blur_placeholder
from image_studio.models import (
    DECLARATION,
    OPERATOR,
    Asset,
    Brand,
    BrandMembership,
    BrandRevision,
    Channel,
    Job,
    Prompt,
    PromptVersion,
    Rendition,
    Variant,
    VariantSet,
    read_template,
)
from image_studio.providers.base import InputRef, PictureRequest
from image_studio.runner import holds
from image_studio.runner.turns import in_turn

#: States in which a job holds money.
HOLDING = ("queued", "leased", "sending")
_numbers = itertools.count(1)
#: Everything that an approver signs.
DECLARED = tuple(DECLARATION)
ALL_CHANNELS = ("square", "feed-portrait", "story", "link-card", "web-hero", "newsletter")


# Pictures -----------------------------------------------------------------------------------------------------------


def draw_photo(size: tuple[int, int] = (1600, 1200), *, hue: int = 0) -> Image.Image:
    """Something like a photograph: a sky, a ground, and a bottle that stands out."""
    width, height = size
    sky = Image.linear_gradient("L").resize(size)
    image = Image.merge("RGB", (sky.point(lambda v: 120 + v // 4), sky.point(lambda v: 150 + v // 4), sky))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, height * 7 // 10, width, height), fill=(96, 84, 60 + hue % 90))
    pen.rectangle((width * 6 // 10, height * 3 // 10, width * 7 // 10, height * 8 // 10), fill=(170, 30, 40 + hue % 90))
    pen.ellipse((width * 6 // 10, height * 2 // 10, width * 7 // 10, height * 4 // 10), fill=(235, 220, 180))
    return image


def encoded(image: Image.Image, kind: str = "png", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind.upper(), **options)
    return buffer.getvalue()


@cache
def draw_logo(colour: str = "#12324a") -> bytes:
    """A wordmark-like logo on a transparent ground, 480 x 160."""
    image = Image.new("RGBA", (480, 160), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.ellipse((8, 8, 152, 152), fill=colour)
    pen.ellipse((52, 52, 108, 108), fill=(0, 0, 0, 0))
    for i in range(3):
        pen.rounded_rectangle((184 + i * 96, 40, 256 + i * 96, 120), radius=14, fill=colour)
    return encoded(image)


# Brands -------------------------------------------------------------------------------------------------------------


def kit_and_files(slug: str = "acme", **changes: Any) -> tuple[Kit, KitFiles]:
    """A full kit and its files. ``changes`` replace fields of the kit."""
    dark, light = draw_logo("#12324a"), draw_logo("#ffffff")
    sums = {hashlib.sha256(data).hexdigest(): data for data in (dark, light)}
    dark_sum, light_sum = sums
    values: dict[str, Any] = {
        "name": slug.title(),
        "slug": slug,
        "default_locale": "en",
        "locales": ("en", "ar"),
        "palette": (
            Swatch(name="ink", hex="#12324a", role="primary"),
            Swatch(name="sun", hex="#f2a541", role="accent"),
            Swatch(name="paper", hex="#fbf7ef", role="background"),
        ),
        "logos": (
            Logo(name="dark", file="logo-dark.png", sha256=dark_sum, on="light"),
            Logo(name="light", file="logo-light.png", sha256=light_sum, on="dark"),
        ),
        "terms": (Term(text="miracle"),),
        "lines": (
            Line(key="headline", locale="en", text="Fresh every day"),
            Line(key="headline", locale="ar", text="طازج كل يوم"),
            Line(key="legal", locale="en", text="While stocks last."),
            Line(key="legal", locale="ar", text="حتى نفاد الكمية."),
        ),
        "layouts": (
            Layout(
                channel="*",
                logo=LogoPlacement(anchor="top-left", width=0.18),
                texts=(
                    TextPlacement(line="headline", anchor="bottom-left", backdrop="scrim"),
                    TextPlacement(line="legal", anchor="bottom-right", size=0.03, min_size=0.02, backdrop="paper"),
                ),
                label_anchor="top-right",
            ),
        ),
    }
    return Kit(**{**values, **changes}), KitFiles(by_sum=sums)


def make_brand(slug: str = "", *, kit: Kit | None = None, files: KitFiles | None = None, **changes: Any) -> Brand:
    """A brand with one revision and its files in private storage."""
    slug = slug or f"brand-{next(_numbers)}"
    if kit is None:
        kit, files = kit_and_files(slug, **changes)
    brand = Brand.objects.create(slug=kit.slug, name=kit.name)
    add_revision(brand, kit, files or KitFiles())
    return brand


def make_bare_brand(slug: str = "") -> Brand:
    """A brand whose kit puts nothing on a picture: for tests of everything but composing."""
    slug = slug or f"brand-{next(_numbers)}"
    return make_brand(kit=Kit(name=slug.title(), slug=slug, locales=("en", "ar")))


def add_revision(brand: Brand, kit: Kit, files: KitFiles) -> BrandRevision:
    """A new current revision."""
    store = storage.private()
    stored = {
        sha256: storage.write(store, storage.fresh_name("kits", "png"), data) for sha256, data in files.by_sum.items()
    }
    revision = BrandRevision.objects.create(
        brand=brand,
        number=brand.revisions.count() + 1,
        digest=kit.digest,
        content=kit.to_dict(),
        files=stored,
    )
    brand.revision = revision
    brand.save(update_fields=["revision"])
    return revision


def make_user(role: str = "", *, brand: Brand | None = None, own_only: bool = False, **fields: Any) -> Any:
    """A user; with a role, a member of ``brand``. ``is_superuser=True`` and the like are taken as given."""
    name = fields.pop("username", f"user-{next(_numbers)}")
    user = get_user_model().objects.create_user(name, password="secret", **fields)
    if role and brand is not None:
        BrandMembership.objects.create(brand=brand, user=user, role=role, own_only=own_only)
    return user


def make_channels(*slugs: str) -> list[Channel]:
    """Channels of the catalog, in the order asked for; six of different use without names."""
    rows = specs.channels()
    return [
        Channel.objects.get_or_create(slug=slug, defaults=Channel.values_of(rows[slug]))[0]
        for slug in slugs or ALL_CHANNELS
    ]


def make_prompt(brand: Brand, template: str = "A bottle on a table, {mood} light", **fields: Any) -> PromptVersion:
    """A prompt with one version."""
    number = next(_numbers)
    prompt = Prompt.objects.create(brand=brand, slug=f"prompt-{number}", name=f"Prompt {number}")
    declared = fields.pop("variables", [{"name": "mood", "default": "soft"}])
    variables = read_template(template, declared)
    return PromptVersion.objects.create(prompt=prompt, number=1, template=template, variables=variables, **fields)


# Assets -------------------------------------------------------------------------------------------------------------


def make_asset(
    brand: Brand,
    size: tuple[int, int] = (1600, 1200),
    *,
    image: Image.Image | None = None,
    data: bytes | None = None,
    **fields: Any,
) -> Asset:
    """A raw asset as ingest leaves it: its bytes in private storage, a preview, a fingerprint."""
    image = image or draw_photo(size, hue=next(_numbers))
    data = data or encoded(image, "jpeg", quality=90)
    values: dict[str, Any] = {
        "brand": brand,
        "kind": "raw",
        "origin": "upload",
        "file": storage.write(storage.private(), storage.fresh_name("assets", "jpg"), data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "weight": len(data),
        "format": "jpeg",
        "width": image.width,
        "height": image.height,
        "fingerprint": signed(fingerprint(image)),
        "colours": blur_placeholder(image),
        "source_type": "digitalCapture",
        "title": "A bottle",
        "alt": {"en": "A red bottle on a table", "ar": "زجاجة حمراء على طاولة"},
    }
    asset = Asset.objects.create(**{**values, **fields})
    _make_preview(asset, image)
    return asset


def _make_preview(asset: Asset, image: Image.Image) -> None:
    small = image.copy()
    small.thumbnail((640, 640))
    data = encoded(small, "webp")
    Rendition.objects.create(
        asset=asset,
        spec="preview",
        file=storage.write(storage.private(), storage.fresh_name("previews", "webp"), data),
        sha256=hashlib.sha256(data).hexdigest(),
        weight=len(data),
        format="webp",
        width=small.width,
        height=small.height,
    )


# Sets ---------------------------------------------------------------------------------------------------------------


def make_job(brand: Brand, **fields: Any) -> Job:
    """A queued job of an operator; a free picture by default. One that costs holds its most, as an ordered one does."""
    request = PictureRequest(model="previs-placeholder", size=(320, 240))
    values: dict[str, Any] = {
        "kind": "picture",
        "brand": brand,
        "revision": brand.revision,
        "actor_label": "operator",
        "operator": fields.get("requested_by") is None,
        "provider": "previs",
        "route": "placeholder",
        "model": request.model,
        "request": request.to_dict(),
        "digest": request.digest,
        "n": 1,
        "available_at": long_ago(),
    }
    job = Job(**{**values, **fields})
    if "estimate_micro_usd" not in fields and job.kind == "picture" and job.state in HOLDING:
        job.estimate_micro_usd = _most(job)
    if job.state in HOLDING:
        holds.earmark([job])
    job.save(force_insert=True)
    holds.grant([job], OPERATOR)
    return job


def _most(job: Job) -> int:
    """The most that a job may cost; 0 where its provider is not configured, or nobody can price it."""
    try:
        spec = conf.model(job.provider, job.model)
        asked = PictureRequest.from_dict(job.request)
        return conf.provider(job.provider).estimate(asked, spec).most if spec else 0
    except (conf.ConfigurationError, Unsupported):
        return 0


def make_set(
    brand: Brand,
    *,
    channels: Sequence[Channel] = (),
    locales: Sequence[str] = ("en",),
    takes: int = 1,
    source: Asset | None = None,
    requested_by: Any = None,
    provider: str = "previs",
    model: str = "",
    texts: Mapping[str, Mapping[str, str]] | None = None,
    shrink: int = 1,
) -> VariantSet:
    """A set with one job per channel (``n`` = takes) and a cell per channel, take and locale, all waiting.

    :param shrink: divides the channels' pixels, for tests that need many cells and no detail.
    """
    model = model or ("previs-reframe" if source else "previs-placeholder")
    prompt = "" if source else "A bottle"
    chosen = list(channels) or make_channels("square", "story")
    variant_set = VariantSet.objects.create(
        brand=brand,
        revision=brand.revision,
        title="A set",
        source=source,
        prompt_text=prompt,
        texts=dict(texts or {}),
        route="reframe" if source else "placeholder",
        digest=uuid.uuid4().hex,
        requested_by=requested_by,
        actor_label=requested_by.get_username() if requested_by else "operator",
    )
    position = itertools.count()
    for channel in chosen:
        wide, high = channel.width // shrink, channel.height // shrink
        spec = replace(channel.spec, width=wide, height=high)
        request = PictureRequest(
            model=model,
            prompt=prompt,
            size=spec.size,
            n=takes,
            palette=tuple(swatch.hex for swatch in brand.kit.palette),
            inputs=(InputRef(asset=str(source.pk), sha256=source.sha256, focal=source.focal),) if source else (),
        )
        job = make_job(
            brand,
            variant_set=variant_set,
            requested_by=requested_by,
            provider=provider,
            model=model,
            request=request.to_dict(),
            digest=request.digest,
            n=takes,
            turn=next_turn(brand, provider, model),
        )
        Variant.objects.bulk_create(
            Variant(
                variant_set=variant_set,
                position=next(position),
                take=take,
                channel=channel,
                channel_spec=spec.to_dict(),
                locale=locale,
                job=job,
                output_index=take,
            )
            for take in range(takes)
            for locale in locales
        )
    return variant_set


def next_turn(brand: Brand, provider: str, model: str) -> int:
    """The turn that an order of this brand would get now."""
    (job,) = in_turn([Job(brand=brand, provider=provider, model=model, available_at=timezone.now())])
    return job.turn


def long_ago() -> datetime:
    """A moment that is past on every clock of the test."""
    return timezone.now() - timedelta(days=1)
