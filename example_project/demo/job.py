"""The main job, step by step, through the same verbs that the admin and the commands use."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from image_studio.models import DECLARATION, Asset, Brand, Channel, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import (
    Cell,
    Matrix,
    Sheet,
    approve_and_publish,
    blocked_error,
    describe,
    ingest,
    preview,
    request,
)

CHANNELS = ("web-hero", "newsletter", "link-card", "square", "feed-portrait", "story")
LOCALES = ("en", "ar")
PLACEHOLDERS = ("web-hero", "square", "story")
ALT = {
    "en": "A cream and gold tea tin beside a full white cup, in window light on a pale table.",
    "ar": "علبة شاي بلون الكريم والذهب بجانب فنجان أبيض ممتلئ، في ضوء النافذة على طاولة فاتحة.",
}
PHOTO_ALT = {"en": "Product picture of {name}", "ar": "صورة المنتج: {name}"}


def take_in(policy: Policy, brand: Brand, path: Path, *, drawn: bool) -> Asset:
    """Ingest the source picture.

    :raises ImageRefused: for a file that is no picture or over the limits; nothing is stored then.
    """
    alt = ALT if drawn else {locale: words.format(name=path.stem) for locale, words in PHOTO_ALT.items()}
    title = "Tea tin in window light" if drawn else ""
    return ingest(policy, brand, path.read_bytes(), name=path.name, title=title, alt=alt).asset


def variants(policy: Policy, brand: Brand, source: Asset, takes: int) -> Matrix:
    """The set of the source picture: every channel in both locales, by the free reframe route."""
    return Matrix(
        brand=brand,
        route="reframe",
        channels=_channels(CHANNELS),
        locales=LOCALES,
        takes=takes,
        source=source,
        title=source.title,
    )


def placeholders(brand: Brand) -> Matrix:
    """A set that can be looked at and never published: a prompt laid out in the brand's palette, before any spend."""
    prompt = brand.prompts.get(slug="still-life").version()
    return Matrix(
        brand=brand,
        route="placeholder",
        channels=_channels(PLACEHOLDERS),
        locales=LOCALES,
        prompt_version=prompt,
        title="Layout before spending: still life",
    )


def _channels(slugs: Sequence[str]) -> tuple[Channel, ...]:
    found = Channel.objects.in_bulk(slugs, field_name="slug")
    return tuple(found[slug] for slug in slugs)


def run(policy: Policy, matrix: Matrix) -> VariantSet:
    """Preview, order and produce a set, in this process.

    :raises InvalidRequest: for what the preview forbids.
    """
    planned = preview(policy, matrix)
    if planned.blocked:
        raise blocked_error(planned)
    ordered = request(policy, matrix, key=str(uuid.uuid4()), digest=planned.digest)
    drain(job_ids=list(ordered.jobs.values_list("pk", flat=True)))
    return ordered


def release(policy: Policy, shown: Sheet) -> list[Asset]:
    """Approve and publish every cell that no check blocks; what is blocked waits for a person."""
    ready = [cell.asset for cell in shown.cells if cell.asset and "approve" in cell.actions and not cell.blocked]
    for asset in ready:
        source = asset.parent.parent or asset.parent if asset.parent else None
        if source and source.alt and not asset.alt:
            describe(policy, asset, alt=source.alt)
    # The demo's own photograph is known to show none of it; on a real site a person signs.
    signed = {"declaration": tuple(DECLARATION), "note": "No blocking finding."}
    jobs = [approve_and_publish(policy, asset, **signed).pk for asset in ready]
    drain(job_ids=jobs)
    return list(Asset.objects.filter(pk__in=[asset.pk for asset in ready], state="published"))


def shown_by_place(shown: Sheet) -> dict[tuple[str, str], Asset]:
    """The first take of each published (channel, locale)."""
    found: dict[tuple[str, str], Asset] = {}
    for cell in shown.cells:
        if cell.asset and cell.asset.state == "published":
            found.setdefault((cell.variant.channel.slug, cell.variant.locale), cell.asset)
    return found


def table(shown: Sheet) -> str:
    """Variant, channel, locale, size, verdict counts and state, in columns."""
    head = ("variant", "channel", "locale", "size", "passed", "warned", "failed", "not run", "state")
    rows = [head, *(_row(cell) for cell in shown.cells)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _row(cell: Cell) -> tuple[str, ...]:
    spec = cell.variant.channel_spec
    return (
        cell.variant.pk.hex[-8:],
        cell.variant.channel.slug,
        cell.variant.locale,
        f"{spec['width']} x {spec['height']}",
        *(str(count) for count in (cell.passed, cell.warned, cell.failed, cell.not_run)),
        state_of(cell),
    )


def state_of(cell: Cell) -> str:
    """The state of the picture, else of the cell with its reason."""
    if cell.asset:
        return str(cell.asset.get_state_display()).lower()
    return f"{cell.status}: {cell.message}" if cell.message else cell.status
