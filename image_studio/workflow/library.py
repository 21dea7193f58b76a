"""Pictures in and out of the library: ingest, describe, and the bytes a person may see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django.db import transaction
from django.db.models import F

from image_studio import storage
from image_studio.brand import terms
from image_studio.brand.kit import LOCALE
from image_studio.conf import conf
from image_studio.exceptions import Conflict, InvalidRequest, StorageFailed
from image_studio.imaging.decode import Limits, Picture, decode
from image_studio.imaging.fingerprint import fingerprint, signed
from image_studio.imaging.renditions import Encoded, blur_placeholder, encode, preview
from image_studio.models import Asset, Brand, Event, Rendition, uuid7
from image_studio.policy import Policy

FILES = ("preview", "full", "original", "drift")


@dataclass(frozen=True, kw_only=True)
class Ingested:
    """What became of an upload; ``duplicate`` means that the asset was there already."""

    asset: Asset
    duplicate: bool = False


@dataclass(frozen=True, kw_only=True)
class ServedFile:
    """Bytes to serve, and how."""

    data: bytes
    mime: str
    filename: str
    etag: str
    attachment: bool = False


def limits() -> Limits:
    """The site's limits for pictures that come in."""
    return Limits(max_bytes=conf().max_upload_bytes, max_pixels=conf().max_pixels)


def ingest(
    policy: Policy,
    brand: Brand,
    data: bytes,
    *,
    name: str,
    origin: str = "upload",
    title: str = "",
    alt: Mapping[str, str] | None = None,
    place: Mapping[str, str] | None = None,
) -> Ingested:
    """Take a picture into a brand's library; the original is kept byte for byte.

    :param name: the client's file name: only its stem is used, as a title, never as a path.
    :param place: where the site had it, kept with its event.
    :raises ImageRefused: for anything the gate does not take; then nothing is stored.
    :raises StorageFailed: when the disk refuses; then nothing is stored either.
    """
    policy.require("ingest", brand)
    picture = decode(data, limits())
    twin = _twin(policy, brand, picture.sha256)
    if twin:
        return Ingested(asset=twin, duplicate=True)
    small = preview(picture.image)
    store = storage.private()
    original = storage.write(store, storage.fresh_name("raw", picture.extension), data)
    names = [original]
    try:
        names.append(storage.write(store, storage.fresh_name("preview", small.extension), small.data))
        with transaction.atomic():
            # The same file twice at once: the second waits here for the first, and finds it.
            Brand.objects.filter(pk=brand.pk).update(name=F("name"))
            twin = _twin(policy, brand, picture.sha256)
            if twin:
                raise _Twin(twin)
            asset = _asset(policy, brand, picture, original, origin)
            asset.title = (title or PurePath(name).stem.replace("_", " ").replace("-", " "))[:200]
            asset.alt = _alt(alt or {})
            _judge_alt(brand, asset.alt)
            asset.words = asset.search_words()
            asset.save(force_insert=True)
            _preview(asset, small, names[1])
            told = {**(place or {}), "sha256": asset.sha256, "name": name[:200]}
            Event.objects.record(policy.actor, "asset.ingested", asset, **told)
    except _Twin as found:
        _forget(names)
        return Ingested(asset=found.asset, duplicate=True)
    except BaseException:
        _forget(names)
        raise
    return Ingested(asset=asset)


class _Twin(Exception):
    """The same bytes came in meanwhile."""

    def __init__(self, asset: Asset) -> None:
        super().__init__(asset.pk)
        self.asset = asset


def _forget(names: Sequence[str]) -> None:
    for name in names:
        storage.remove(storage.private(), name)


def known(policy: Policy, brand: Brand, data: bytes) -> Asset | None:
    """The picture of the library that has these bytes; nothing is decoded for it."""
    return _twin(policy, brand, hashlib.sha256(data).hexdigest())


def judge_upload(brand: Brand, data: bytes, *, alt: Mapping[str, str] | None = None) -> None:
    """What :func:`ingest` would refuse, without taking anything.

    :raises ImageRefused: for anything the gate does not take.
    :raises InvalidRequest: as :func:`describe` for an alt text.
    """
    decode(data, limits())
    _judge_alt(brand, _alt(alt or {}))


def _twin(policy: Policy, brand: Brand, sha256: str) -> Asset | None:
    """The same bytes already in this brand, as far as this person may see them."""
    same = Asset.objects.filter(brand=brand, sha256=sha256, kind="raw", origin__in=("upload", "import"))
    return policy.visible(same).first()


def _asset(policy: Policy, brand: Brand, picture: Picture, name: str, origin: str) -> Asset:
    width, height = picture.size
    return Asset(
        id=uuid7(),
        brand=brand,
        kind="raw",
        origin=origin,
        file=name,
        sha256=picture.sha256,
        weight=picture.weight,
        format=picture.format,
        width=width,
        height=height,
        has_alpha=picture.has_alpha,
        fingerprint=signed(fingerprint(picture.image)),
        colours=blur_placeholder(picture.image),
        source_type=picture.source_type,
        recipe={"origin": origin},
        created_by=policy.user,
    )


def _preview(asset: Asset, small: Encoded, name: str) -> None:
    Rendition.objects.create(
        asset=asset,
        spec="preview",
        file=name,
        sha256=small.sha256,
        weight=len(small.data),
        format=small.format,
        width=small.width,
        height=small.height,
    )


def _alt(given: Mapping[str, str]) -> dict[str, str]:
    for locale in given:
        if not LOCALE.match(locale):
            raise InvalidRequest("request.unknown_locale", locale=locale, known="en, pt-BR")
    return {locale: words.strip()[:1000] for locale, words in given.items() if words.strip()}


def _judge_alt(brand: Brand, alt: Mapping[str, str]) -> None:
    """Alt texts go out with the picture: what the brand never says, they don't say either.

    :raises InvalidRequest: ``asset.alt_term`` naming the language and the term.
    """
    never = [term for term in brand.kit.terms if term.kind == "prohibited" and "alt" in term.where]
    for locale, words in alt.items():
        for term in never:
            if terms.speaks(term.locale, locale) and terms.stands_in(term, words):
                raise InvalidRequest("asset.alt_term", locale=locale, term=term.text)


#: Tags of one picture.
MOST_TAGS = 50


def _tags(given: Sequence[str]) -> list[str]:
    """Small and single, of 50 characters. A comma parts tags, so none has one inside.

    :raises InvalidRequest: ``asset.too_many_tags``: one that is dropped without a word is looked for in vain.
    """
    cleaned = (" ".join(str(tag).replace(",", " ").split()).lower()[:50] for tag in given)
    tags = list(dict.fromkeys(tag for tag in cleaned if tag))
    if len(tags) > MOST_TAGS:
        raise InvalidRequest("asset.too_many_tags", most=MOST_TAGS, count=len(tags))
    return tags


def describe(
    policy: Policy,
    asset: Asset,
    *,
    title: str | None = None,
    alt: Mapping[str, str] | None = None,
    more_alt: Mapping[str, str] | None = None,
    tags: Sequence[str] | None = None,
    focal: tuple[float, float] | None = None,
    rights_owner: str | None = None,
    licence: str | None = None,
    territory: str | None = None,
    expires_at: datetime | None = None,
    clear: frozenset[str] = frozenset(),
    seen: str = "",
) -> Asset:
    """Change a picture's words, rights and focal point; None leaves a field as it is.

    :param more_alt: locale -> words, beside the alt texts that the picture has by then.
    :param focal: fractions of the upright picture.
    :param clear: fields to empty: of ``focal``, ``expires_at``.
    :param seen: :func:`words_digest` of what the person began from; empty writes over whatever is there.
    :raises NotAllowed: also for who may not publish and would keep a published picture up for longer.
    :raises Conflict: ``asset.words_changed`` where somebody else saved other words meanwhile.
    :raises InvalidRequest: for a focal point outside the picture, a locale that is none, an alt text with a
        prohibited term, or one taken from a published picture (``asset.alt_missing``).
    """
    policy.require("describe", asset)
    given = {
        "title": title if title is None else title.strip()[:200],
        "alt": None if alt is None else _alt(alt),
        "tags": None if tags is None else _tags(tags),
        "rights_owner": rights_owner,
        "licence": licence,
        "territory": territory,
        "expires_at": expires_at,
    }
    changes = {key: value for key, value in given.items() if value is not None} | _cleared(focal, clear)
    with transaction.atomic():
        hold(asset)
        asset.refresh_from_db(fields=[*WRITTEN, "state"])
        if seen and seen != words_digest(asset):
            raise Conflict("asset.words_changed")
        if more_alt:
            changes["alt"] = {**changes.get("alt", asset.alt), **_alt(more_alt)}
        if asset.state == "published" and _stays_longer(asset, changes):
            policy.require("publish", asset)
        if changes:
            _rewrite(asset, changes)
            asset.words = asset.search_words()
            asset.save(update_fields=[*changes, "words"])
            Event.objects.record(policy.actor, "asset.described", asset, fields=sorted(changes))
    return asset


def _stays_longer(asset: Asset, changes: Mapping[str, Any]) -> bool:
    """Whether the changes put off the day on which its rights end."""
    if asset.expires_at is None or "expires_at" not in changes:
        return False
    return changes["expires_at"] is None or changes["expires_at"] > asset.expires_at


def _cleared(focal: tuple[float, float] | None, clear: frozenset[str]) -> dict[str, Any]:
    """The fields that can be emptied, as far as they are to change."""
    changes: dict[str, Any] = {}
    if focal is not None:
        if not all(0 <= part <= 1 for part in focal):
            raise InvalidRequest("asset.focal_outside", x=focal[0], y=focal[1])
        changes |= {"focal_x": focal[0], "focal_y": focal[1]}
    if "focal" in clear:
        changes |= {"focal_x": None, "focal_y": None}
    if "expires_at" in clear:
        changes["expires_at"] = None
    return changes


def hold(*assets: Asset) -> None:
    """Hold pictures until the end of the transaction, by a write that changes nothing: SQLite has no row locks."""
    Asset.objects.filter(pk__in=[asset.pk for asset in assets]).update(title=F("title"))


def _rewrite(asset: Asset, changes: Mapping[str, Any]) -> None:
    """:raises InvalidRequest: ``asset.alt_term``, ``asset.alt_missing``; then the picture says what it said before."""
    if "alt" in changes:
        _judge_alt(asset.brand, changes["alt"])
    before = {key: getattr(asset, key) for key in changes}
    for key, value in changes.items():
        setattr(asset, key, value)
    if asset.state == "published" and asset.alt_missing:
        missing = ", ".join(asset.alt_missing)
        for key, value in before.items():
            setattr(asset, key, value)
        raise InvalidRequest("asset.alt_missing", locales=missing)


#: What people write of a picture.
WRITTEN = ("title", "alt", "tags", "focal_x", "focal_y", "rights_owner", "licence", "territory", "expires_at")


def words_digest(asset: Asset) -> str:
    """A short sum over what people wrote of a picture: another sum means that somebody wrote meanwhile."""
    values = {name: getattr(asset, name) for name in WRITTEN}
    told = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def tag(policy: Policy, assets: Collection[Asset], tags: Sequence[str]) -> list[Asset]:
    """Add tags to several pictures; those that have them already stay untouched. Returns what changed.

    :raises NotAllowed: for the first that this person may not describe; then nothing is written.
    :raises InvalidRequest: ``asset.no_tag``; ``asset.too_many_tags`` for the first that would have too many; then
        nothing is written.
    """
    wanted = _tags(tags)
    if not wanted:
        raise InvalidRequest("asset.no_tag")
    for asset in assets:
        policy.require("describe", asset)
    with transaction.atomic():
        hold(*assets)
        rows = Asset.objects.filter(pk__in=[asset.pk for asset in assets])
        return [describe(policy, row, tags=[*row.tags, *wanted]) for row in rows if not set(wanted) <= set(row.tags)]


def file_for(policy: Policy, asset: Asset, which: str) -> ServedFile:
    """The bytes of a picture for a person who may see it.

    ``preview`` is small; ``full`` is the composed file, or a clean copy of an original (upright, sRGB, no client
    metadata); ``original`` is what came in, byte for byte, for brand managers, as an attachment; ``drift`` is the heat
    map of an edit, to lay over it.

    :raises InvalidRequest: ``asset.no_drift`` for a picture that is no edit: pages answer 404.
    :raises NotAllowed: for another brand's picture, or the original without the right to it.
    :raises StorageFailed: when the file is missing or its sum is wrong.
    """
    policy.require("original" if which == "original" else "view", asset)
    store = storage.private()
    stem = f"{asset.brand_id.hex[:8]}-{asset.pk.hex[-8:]}"
    if which == "preview":
        row = asset.renditions.filter(spec="preview").first()
        if row is None:
            raise StorageFailed("storage.missing", name="preview")
        data = storage.read(store, row.file)
        return ServedFile(data=data, mime=f"image/{row.format}", filename=f"{stem}.{row.format}", etag=row.sha256)
    if which == "drift":
        return _drift(asset, stem)
    data = storage.read(store, asset.file, asset.sha256)
    if which == "original" or asset.kind == "composed":
        return ServedFile(
            data=data,
            mime=f"image/{asset.format}",
            filename=f"{stem}.{asset.format}",
            etag=asset.sha256,
            attachment=which == "original",
        )
    clean = encode(decode(data).image, "webp", quality=90, source_type=asset.source_type)
    return ServedFile(data=clean.data, mime=clean.mime, filename=f"{stem}.{clean.extension}", etag=clean.sha256)


def _drift(asset: Asset, stem: str) -> ServedFile:
    row = asset.renditions.filter(spec="drift").first()
    if row is None:
        raise InvalidRequest("asset.no_drift")
    data = storage.read(storage.private(), row.file, row.sha256)
    return ServedFile(data=data, mime="image/png", filename=f"{stem}-drift.png", etag=row.sha256)
