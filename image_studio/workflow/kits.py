"""Saving, importing and exporting brand kits. Every change is a new, immutable revision."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from django.db import IntegrityError, transaction
from django.db.models import Max

from image_studio import storage
from image_studio.brand.checks import load, validate_settings
from image_studio.brand.kit import Kit, KitFiles
from image_studio.brand.toml import load_folder, save_folder
from image_studio.conf import conf
from image_studio.exceptions import Conflict, InvalidKit, NotAllowed
from image_studio.imaging.decode import decode
from image_studio.imaging.fonts import check_font
from image_studio.imaging.layers import FontFile
from image_studio.models import Brand, BrandRevision, Event
from image_studio.policy import Policy

EMPTY = KitFiles()


def save_kit(
    policy: Policy, brand: Brand | None, kit: Kit, files: KitFiles = EMPTY, *, note: str = ""
) -> BrandRevision:
    """Make a new revision of a brand, and the brand itself where ``brand`` is None (superusers and operators).

    Files that an earlier revision has need not be given again. An unchanged kit makes no revision.

    :raises InvalidKit: for a kit that does not hold, a missing or broken file.
    :raises ImageRefused: for a logo that is no picture.
    :raises Conflict: ``brand.slug_taken``, or ``brand.other_slug``: a brand's slug never changes.
    """
    if brand is None and not policy.passes:
        raise NotAllowed("policy.not_allowed", verb="edit_kit", role="superuser")
    if brand is not None:
        policy.require("edit_kit", brand)
        if kit.slug != brand.slug:
            raise Conflict("brand.other_slug", slug=kit.slug, brand=brand.slug)
    kit = Kit.from_dict(kit.to_dict())
    validate_settings(kit, load(conf().brand_checks))
    known = _known_files(brand)
    _judge_files(kit, files, known)
    if brand and brand.revision and brand.revision.digest == kit.digest:
        return brand.revision
    stored = {**known, **_store(kit, files, known)}
    try:
        with transaction.atomic():
            return _save(policy, brand, kit, {s: stored[s] for s in kit.file_sums}, note)
    except IntegrityError:
        raise Conflict("brand.slug_taken", slug=kit.slug) from None


def _known_files(brand: Brand | None) -> dict[str, str]:
    known: dict[str, str] = {}
    if brand:
        for files in brand.revisions.values_list("files", flat=True):
            known.update(files)
    return known


def _judge_files(kit: Kit, files: KitFiles, known: dict[str, str]) -> None:
    """Logos pass the one gate for pictures, fonts the font reader; both before anything is stored."""
    for logo in kit.logos:
        if not logo.sha256 or (logo.sha256 not in known and logo.sha256 not in files.by_sum):
            raise InvalidKit("kit.file_missing", sha256=logo.sha256[:12] or logo.file)
        if logo.sha256 in files.by_sum:
            decode(files.get(logo.sha256))
    for font in kit.fonts:
        if not font.sha256 or (font.sha256 not in known and font.sha256 not in files.by_sum):
            raise InvalidKit("kit.file_missing", sha256=font.sha256[:12] or font.file)
        if font.sha256 in files.by_sum:
            check_font(FontFile(name=font.name, data=files.get(font.sha256), sha256=font.sha256))


def _store(kit: Kit, files: KitFiles, known: dict[str, str]) -> dict[str, str]:
    stored = {}
    wanted = [(item.sha256, item.file) for item in kit.logos] + [(item.sha256, item.file) for item in kit.fonts]
    for sha256, file in wanted:
        if sha256 not in known and sha256 not in stored:
            extension = PurePosixPath(file).suffix.lstrip(".").lower()[:5] or "bin"
            name = storage.fresh_name("kits", extension)
            stored[sha256] = storage.write(storage.private(), name, files.get(sha256))
    return stored


def _save(policy: Policy, brand: Brand | None, kit: Kit, files: dict[str, str], note: str) -> BrandRevision:
    if brand is None:
        brand = Brand.objects.create(slug=kit.slug, name=kit.name)
        Event.objects.record(policy.actor, "brand.created", brand)
    else:
        # A write first: it takes the brand's row, so two revisions never get one number.
        Brand.objects.filter(pk=brand.pk).update(name=kit.name)
    last = brand.revisions.aggregate(last=Max("number"))["last"] or 0
    revision = BrandRevision.objects.create(
        brand=brand,
        number=last + 1,
        digest=kit.digest,
        content=kit.to_dict(),
        files=files,
        note=note[:200],
        actor_label=policy.actor.label,
    )
    Brand.objects.filter(pk=brand.pk).update(revision=revision)
    brand.revision, brand.name = revision, kit.name
    Event.objects.record(policy.actor, "brand.revised", brand, number=revision.number, note=note)
    return revision


def export_kit(policy: Policy, brand: Brand, folder: Path) -> None:
    """Write ``brand.toml``, ``logos/`` and ``fonts/`` into a folder.

    :raises InvalidKit: ``brand.no_kit`` for a brand that has no revision yet.
    """
    policy.require("view", brand)
    if brand.revision is None:
        raise InvalidKit("brand.no_kit", brand=brand.slug)
    save_folder(brand.revision.kit, brand.revision.load_files(), folder)


def import_kit(policy: Policy, folder: Path) -> BrandRevision:
    """Make a revision of the brand that the folder's ``brand.toml`` names; makes the brand when it is new.

    :raises InvalidKit: naming file, line and place.
    """
    kit, files = load_folder(folder)
    brand = Brand.objects.filter(slug=kit.slug).first()
    return save_kit(policy, brand, kit, files, note="brand.toml")
