"""A published picture as a filer image: made once, kept in step, replaced when the picture is withdrawn."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext as _
from filer.models import File
from filer.settings import FILER_IMAGE_MODEL
from filer.utils.loader import load_model

from image_studio import storage
from image_studio.contrib.fallbacks import fallback_of
from image_studio.contrib.filer.conf import conf
from image_studio.contrib.filer.folders import folder_of, is_filed
from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.filer.using import is_used
from image_studio.contrib.files import fallback_bytes, file_name, picture_bytes, sum_of
from image_studio.contrib.repairs import one_by_one
from image_studio.models import Asset, Brand, Event
from image_studio.policy import Policy
from image_studio.workflow.library import hold
from image_studio.workflow.showing import is_live
from image_studio.workflow.usage import judge_choice

#: Licences that want the author named wherever the picture is shown.
NAMING = ("cc by", "cc-by", "attribution")


def file_picture(asset: Asset) -> Any:
    """The filer image that shows this picture: made at the first time, brought up to date at every other.

    An editor who deleted it from filer gets it again when the picture is published again. None where the pictures of
    this brand do not go into filer, and none is there.

    :raises InvalidRequest: as :func:`~image_studio.workflow.usage.judge_choice`: only what is live is filed.
    :raises StorageFailed: when a file cannot be read.
    """
    judge_choice(asset)
    brand = Brand.objects.get(pk=asset.brand_id)
    if not (is_filed(brand) or FiledPicture.objects.filter(asset=asset, file__isnull=False).exists()):
        return None
    data = picture_bytes(asset)
    with transaction.atomic():
        # The picture first, by a write: of two that file it at once, the second finds what the first made.
        hold(asset)
        asset.refresh_from_db()
        judge_choice(asset)
        links = {link.place: link for link in _links_of(asset)}
        ours = links.setdefault(0, FiledPicture(asset=asset))
        if ours.file is None and is_filed(brand):
            ours.file = _image_model()(folder=folder_of(brand), is_public=True)
            ours.written, ours.withdrawn_at = {}, timezone.now()
            Event.objects.record(Policy.operator().actor, "asset.filed", asset, folder=str(ours.file.folder))
        shown = [_show(link, asset, data) for _place, link in sorted(links.items()) if link.file is not None]
    return next(iter(shown), None)


def _image_model() -> Any:
    return load_model(FILER_IMAGE_MODEL)


def _show(link: FiledPicture, asset: Asset, data: tuple[bytes, str]) -> Any:
    """The picture's words, and its file where another stands there. Returns the image."""
    image = link.image
    _write(link, image, asset)
    if link.withdrawn_at is not None:
        _replace(link, image, asset, data)
    image.save()
    link.file, link.withdrawn_at = image, None
    link.save()
    return image


def words_of(asset: Asset, image: Any) -> dict[str, Any]:
    """What filer's fields say of a picture, as far as the site's image model has them."""
    owner, licence = asset.rights_owner, asset.licence
    facts = {_("Licence"): licence, _("Territory"): asset.territory}
    if asset.expires_at:
        facts[_("Rights end")] = timezone.localtime(asset.expires_at).date().isoformat()
    focal = asset.focal
    said = {
        "name": str(asset)[:255],
        "default_alt_text": asset.alt_for(asset.locale or settings.LANGUAGE_CODE)[:255],
        "author": owner[:255],
        "description": "\n".join(f"{label}: {words}" for label, words in facts.items() if words),
        "must_always_publish_author_credit": bool(owner) and any(one in licence.lower() for one in NAMING),
        "must_always_publish_copyright": bool(owner),
        "subject_location": f"{focal[0] * asset.width:.0f},{focal[1] * asset.height:.0f}" if focal else "",
    }
    known = {field.name for field in image._meta.concrete_fields}
    return {name: value for name, value in said.items() if name in known}


def _write(link: FiledPicture, image: Any, asset: Asset) -> None:
    said = words_of(asset, image)
    for name, value in said.items():
        if name not in link.written or (getattr(image, name) or "") == (link.written[name] or ""):
            setattr(image, name, value)
    link.written = said


def rewrite(asset: Asset) -> int:
    """The picture's words changed: those of its filer images follow. Returns how many there are."""
    if not FiledPicture.objects.filter(asset=asset, withdrawn_at=None, file__isnull=False).exists():
        return 0
    with transaction.atomic():
        # Read behind the hold: an image as it was before would be saved with a file that is deleted meanwhile.
        hold(asset)
        told = Asset.objects.get(pk=asset.pk)
        links = [link for link in _links_of(asset) if link.file is not None and link.withdrawn_at is None]
        for link in links:
            image = link.image
            _write(link, image, told)
            image.save()
            link.save(update_fields=["written"])
    return len(links)


def _links_of(asset: Asset) -> list[FiledPicture]:
    """A picture's links, read behind its hold; those whose file is an editor's, or gone, end here."""
    links = list(FiledPicture.objects.filter(asset=asset).select_related("file"))
    for link in links:
        if not link.holds and (link.place or link.file is not None):
            link.let_go()
    return [link for link in links if link.pk is not None]


def _replace(link: FiledPicture, image: Any, asset: Asset, data: tuple[bytes, str]) -> None:
    """Another file in the image's place, everywhere it is used; the old one and its thumbnails go with the commit.

    The old file object is asked for its thumbnails before its name changes.
    """
    content, extension = data
    before = image.file or None
    name = file_name(asset, extension)
    if before:
        transaction.on_commit(partial(_forget, type(before)(image, before.field, before.name)))
    image.original_filename = name
    image.file = ContentFile(content, name=name)
    link.sha1 = sum_of(content)


def _forget(old: Any) -> None:
    if File.objects.filter(file=old.name, is_public=old.instance.is_public).exists():
        return
    old.delete_thumbnails()
    storage.remove(old.storage, old.name)


def take_down(asset: Asset) -> int:
    """A picture was withdrawn: no filer image shows it any more, nor any copy of it. Returns how many did.

    The marks are committed before any file is touched: what fails then is told, and :func:`renew` finds it.
    """
    return one_by_one(_mark(asset), _end)


def _mark(asset: Asset) -> list[FiledPicture]:
    with transaction.atomic():
        hold(asset)
        asset.refresh_from_db()
        if is_live(asset):
            return []  # published again meanwhile
        shown = _adopted(asset)
        for link in shown:
            link.withdrawn_at = timezone.now()
            link.save()
        # Images that an editor deleted: their sum has found the copies, and is done with.
        FiledPicture.objects.filter(asset=asset, withdrawn_at=None).update(withdrawn_at=timezone.now())
    return shown


def _end(link: FiledPicture) -> bool:
    """What the site wants in the place of a withdrawn picture."""
    with transaction.atomic():
        now = _over(link)
        if now is None:
            return False
        if conf().on_withdraw == "remove" and not is_used(now.image):
            image = now.image
            now.let_go()
            image.delete()
            return True
        return _stand_in(now)


def renew() -> int:
    """What stands in for withdrawn pictures, written anew where it is not what it should be. Returns how often.

    After the fallback changed, and where a file could not be written when its picture was withdrawn.
    """
    over = FiledPicture.objects.filter(withdrawn_at__isnull=False, file__isnull=False)
    return one_by_one(over.select_related("asset"), renewed)


def renewed(link: FiledPicture) -> bool:
    """Whether this one was written anew."""
    with transaction.atomic():
        now = _over(link)
        return now is not None and _stand_in(now)


def _over(link: FiledPicture) -> FiledPicture | None:
    """The link as it is behind the holds; None where it shows its picture again, or an editor's own file."""
    hold(link.asset, *fallback_of(conf().picture))
    rows = FiledPicture.objects.select_related("asset", "file").filter(pk=link.pk, file__isnull=False)
    now = rows.filter(withdrawn_at__isnull=False).first()
    if now is not None and not now.holds:
        now.let_go()
        return None
    return now


def _stand_in(link: FiledPicture) -> bool:
    data = fallback_bytes(link.asset.size, conf().picture)
    if link.sha1 == sum_of(data[0]):
        return False
    image = link.image
    if "default_alt_text" in link.written:
        # These words are of the picture that is not there.
        image.default_alt_text = link.written["default_alt_text"] = ""
    _replace(link, image, link.asset, data)
    image.save()
    link.save()
    return True


def take_over(asset: Asset, successor: Asset) -> int:
    """Another picture took this one's places: its filer images show that one, and copies of them. Returns how many.

    Each stays the row that the site points at, and in its folder. What showed the fallback shows the successor too.

    :raises InvalidRequest: as :func:`~image_studio.workflow.usage.judge_choice`.
    :raises StorageFailed: when a file cannot be read.
    """
    judge_choice(successor)
    data = picture_bytes(successor)
    with transaction.atomic():
        hold(asset, successor)
        successor.refresh_from_db()
        judge_choice(successor)
        shown = _adopted(asset)
        over = [link for link in _links_of(asset) if link.file is not None and link.withdrawn_at is not None]
        links = [*shown, *over]
        last = FiledPicture.objects.filter(asset=successor).aggregate(last=Max("place"))["last"] or 0
        for place, link in enumerate(links, last + 1):
            link.asset, link.place, link.withdrawn_at = successor, place, timezone.now()
            _show(link, successor, data)
    return len(links)


def _adopted(asset: Asset) -> list[FiledPicture]:
    """The links of the images that show the picture now; copies that an editor made get one each.

    Their sums are those that we wrote: what stands in an image meanwhile may be the site's logo.
    """
    every = FiledPicture.objects.filter(asset=asset)
    sums = set(every.filter(withdrawn_at=None).exclude(sha1="").values_list("sha1", flat=True))
    links = _links_of(asset)
    shown = [link for link in links if link.file is not None and link.withdrawn_at is None]
    last = max((link.place for link in links), default=0)
    for place, copied in enumerate(_copies(sums), last + 1):
        # As if we had written the picture's words: where the copy has others, they are its editor's.
        written = words_of(asset, copied)
        shown.append(FiledPicture(asset=asset, place=place, file=copied, sha1=copied.sha1, written=written))
    return shown


def _copies(sums: set[str]) -> list[Any]:
    """Files with these bytes that are nobody's: another brand's picture may be the same, and is that brand's."""
    held = FiledPicture.objects.filter(file__sha1=F("sha1"))
    found = list(File.objects.filter(sha1__in=sums).exclude(pk__in=held.values("file")))
    for stale in FiledPicture.objects.filter(file__in=[file.pk for file in found]):
        stale.let_go()  # an editor put the picture into another's image
    return found
