"""A published picture as an image of the site: made once, kept in step, replaced when the picture is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from wagtail.images import get_image_model
from wagtail.models import Collection
from wagtail.permissions import policy_registry

from image_studio import storage
from image_studio.contrib.fallbacks import fallback_of, follow
from image_studio.contrib.files import fallback_bytes, file_name, picture_bytes, sum_of
from image_studio.contrib.repairs import one_by_one
from image_studio.contrib.wagtail.conf import conf
from image_studio.contrib.wagtail.models import StudioImage
from image_studio.exceptions import StorageFailed
from image_studio.models import Asset, Brand, Event
from image_studio.policy import Policy
from image_studio.workflow.library import hold
from image_studio.workflow.showing import is_live
from image_studio.workflow.usage import judge_choice

#: The focal area that Wagtail wants around our focal point, as a part of the shorter edge.
FOCAL_PART = 0.2


def connect() -> None:
    """Once the apps are loaded: copies of the fallback are in images, and follow it."""
    follow(renew, uses=lambda: [conf().picture], uid="image_studio_wagtail")


def promote(policy: Policy, asset: Asset) -> Any:
    """The image of the site that shows this picture: made at the first time, and the same at every other.

    :raises InvalidRequest: as :func:`~image_studio.workflow.usage.judge_choice`: only what is live becomes an image.
    :raises ValidationError: ``collection`` for who may not add images to the brand's collection; ``required`` where
        the site's image model wants fields that nobody filled, naming them.
    :raises StorageFailed: when a file cannot be read or written.
    """
    judge_choice(asset, policy=policy)
    brand = Brand.objects.get(pk=asset.brand_id)
    _judge_place(policy, collection_name(brand))
    data = picture_bytes(asset)
    with transaction.atomic():
        # The picture first, by a write: of two who promote it at once, the second finds what the first made.
        hold(asset)
        asset.refresh_from_db()
        judge_choice(asset, policy=policy)
        found = next(iter(_pairs_of(asset)), None)
        if found is not None:
            link, image = found
            # What shows the picture is left as it is: the studio's words are followed when they change, and what an
            # editor has written into the image since is theirs. Rights are the studio's alone.
            if link.withdrawn_at is not None:
                _again(link, image, asset, data)
            elif _fill_rights(image, asset):
                image.save()
            return image
        image = _made(policy, asset, _collection(collection_name(brand)), data)
        where = {"image_model": image._meta.label_lower, "image_id": str(image.pk)}
        StudioImage.objects.create(asset=asset, **where, title=image.title, sha1=sum_of(data[0]))
        Event.objects.record(policy.actor, "asset.promoted", asset, to=image._meta.label_lower, image=str(image.pk))
    return image


def links_of(asset: Asset) -> list[StudioImage]:
    """Of the picture's images, the oldest first: its own one, and those whose places it took."""
    rows = StudioImage.objects.filter(asset=asset, image_model=get_image_model()._meta.label_lower)
    return list(rows.order_by("pk"))


def _pairs_of(asset: Asset) -> list[tuple[StudioImage, Any]]:
    """A picture's links with their images, read behind its hold. Links end here where the image is not ours."""
    pairs = [(link, _image_of(link)) for link in links_of(asset)]
    return [(link, image) for link, image in pairs if image is not None]


def _image_of(link: StudioImage) -> Any:
    """The link's image; None where somebody deleted it past the signals, or put another file into it: then the link
    ends, and the file is theirs."""
    model: Any = get_image_model()
    image = model.objects.filter(pk=link.image_id).first()
    if image is not None and shows(link, image):
        return image
    link.delete()
    return None


def shows(link: StudioImage, image: Any) -> bool:
    """Whether the image has the file that we wrote: asked of its bytes, for scripts leave Wagtail's own sum as it was.

    One that can't be read is taken for it: what was withdrawn must go.
    """
    try:
        return sum_of(storage.read(image.file.storage, image.file.name)) == link.sha1
    except StorageFailed:
        return True


def shown_in(model: Any, keys: Iterable[Any]) -> dict[Any, UUID]:
    """Of these rows of a model, the images that show a picture, or stand in for one -> its id."""
    names = {str(key): key for key in keys}
    links = StudioImage.objects.filter(image_model=model._meta.label_lower, image_id__in=list(names))
    linked = {names[link.image_id]: link for link in links}
    images = model._base_manager.in_bulk(list(linked)) if linked else {}
    return {key: linked[key].asset.pk for key, image in images.items() if shows(linked[key], image)}


def withdrawn_images() -> list[str]:
    """The ids of the images that show a fallback: nobody chooses them anew."""
    rows = StudioImage.objects.filter(image_model=get_image_model()._meta.label_lower, withdrawn_at__isnull=False)
    return list(rows.values_list("image_id", flat=True))


def collection_name(brand: Brand) -> str:
    """Where a brand's pictures go: by the setting, else a collection of the brand's own name."""
    return conf().collections.get(brand.slug, brand.name)


def _collection(name: str) -> Any:
    found = Collection.objects.filter(name=name).first()
    root: Any = Collection.get_first_root_node()
    return found or root.add_child(name=name)


def _judge_place(policy: Policy, name: str) -> None:
    """Wagtail's own rights: who may not upload an image there may not put one there from the studio either.

    A collection that is not there yet will stand below the root, and has its rights.
    """
    if policy.user is None:
        return
    rights = policy_registry.get_by_type(get_image_model())
    allowed = rights.collections_user_has_permission_for(policy.user, "add")
    place = Collection.objects.filter(name=name).first() or Collection.get_first_root_node()
    if not allowed.filter(pk=place.pk).exists():
        words = _("You may not add images to the collection “%(name)s”. Ask whoever manages the users of this site.")
        raise ValidationError(words, code="collection", params={"name": name})


def _made(policy: Policy, asset: Asset, collection: Any, data: tuple[bytes, str]) -> Any:
    image: Any = get_image_model()(collection=collection)
    if policy.user is not None and _has(image, "uploaded_by_user"):
        image.uploaded_by_user = policy.user
    _fill(image, asset)
    _put(image, asset, data, asset.focal)
    filler = conf().filler
    if filler is not None:
        filler(image, asset)
    try:
        image.full_clean(exclude=["file"])
    except ValidationError as error:
        fields = ", ".join(sorted(getattr(error, "error_dict", {"?": 0})))
        raise ValidationError(
            _(
                "The images of this site need more than a picture has: %(fields)s. "
                "Whoever runs the site sets FILL_IMAGE in IMAGE_STUDIO_WAGTAIL."
            ),
            code="required",
            params={"fields": fields},
        ) from error
    _save(image)
    return image


def _save(image: Any) -> None:
    """With a new file, which a failure must not leave behind: the row goes with the transaction, the file does not."""
    try:
        image.save()
    except BaseException:
        if image.file._committed:  # noqa: SLF001 - nobody else knows whether it was stored
            storage.remove(image.file.storage, image.file.name)
        raise


def _fill(image: Any, asset: Asset) -> None:
    """Title, alt text, focal point and rights, as far as the site's model has fields for them."""
    image.title = str(asset)[:255]
    alt = asset.alt_for(settings.LANGUAGE_CODE)
    if _has(image, "description"):
        image.description = alt[: image._meta.get_field("description").max_length or None]
    _fill_rights(image, asset)


def _fill_rights(image: Any, asset: Asset) -> bool:
    """Whether that changed any of them."""
    mapped = {name: name for name in ("rights_owner", "licence", "territory", "expires_at", "source_type")}
    names = {**mapped, **conf().image_fields}.items()
    wanted = {target: getattr(asset, source) for source, target in names if target and _has(image, target)}
    before = {target: getattr(image, target) for target in wanted}
    for target, value in wanted.items():
        setattr(image, target, value)
    return before != wanted


def _has(image: Any, name: str) -> bool:
    return any(field.name == name for field in image._meta.concrete_fields)


def _put(image: Any, asset: Asset, data: tuple[bytes, str], focal: tuple[float, float] | None) -> None:
    """The file, with what Wagtail keeps of it."""
    content, extension = data
    image.file = ContentFile(content, name=file_name(asset, extension))
    image._set_image_file_metadata()  # noqa: SLF001 - as Wagtail's own form does
    _set_focal(image, focal)


def _set_focal(image: Any, focal: tuple[float, float] | None) -> None:
    if focal is None:
        image.focal_point_x = image.focal_point_y = image.focal_point_width = image.focal_point_height = None
        return
    edge = max(1, round(min(image.width, image.height) * FOCAL_PART))
    image.focal_point_x = round(focal[0] * image.width)
    image.focal_point_y = round(focal[1] * image.height)
    image.focal_point_width = image.focal_point_height = edge


def _update(link: StudioImage, image: Any, asset: Asset) -> None:
    """What the studio knows better goes over; the image shows the picture already and keeps its file."""
    _fill(image, asset)
    _set_focal(image, asset.focal)
    image.save()
    StudioImage.objects.filter(pk=link.pk).update(title=image.title)


def _replace(image: Any, asset: Asset, data: tuple[bytes, str], focal: tuple[float, float] | None) -> None:
    """Another file in the image's place, everywhere it is used: derived files are made anew, the old one goes."""
    store, old = image.file.storage, image.file.name
    _put(image, asset, data, focal)
    _save(image)
    # One by one, not in bulk: each tells Wagtail's cache and has its file deleted.
    for rendition in image.renditions.all():
        rendition.delete()
    transaction.on_commit(lambda: storage.remove(store, old))


def restore(asset: Asset) -> int:
    """A picture that was withdrawn is published again: its images show it again. Returns how many.

    :raises InvalidRequest: as :func:`~image_studio.workflow.usage.judge_choice`: it may be withdrawn once more.
    :raises StorageFailed: when a file cannot be read or written.
    """
    if not any(link.withdrawn_at for link in links_of(asset)):
        return 0
    data = picture_bytes(asset)
    with transaction.atomic():
        hold(asset)
        asset.refresh_from_db()
        judge_choice(asset)
        over = [(link, image) for link, image in _pairs_of(asset) if link.withdrawn_at]
        for link, image in over:
            _again(link, image, asset, data)
    return len(over)


def rewrite(asset: Asset) -> None:
    """Somebody changed the picture's words, focal point or rights: its images say the same."""
    if not StudioImage.objects.filter(asset=asset, withdrawn_at=None).exists():
        return
    with transaction.atomic():
        # Read behind the hold: an image as it was before would be saved with a file that is deleted meanwhile.
        hold(asset)
        told = Asset.objects.get(pk=asset.pk)
        for link, image in _pairs_of(asset):
            if link.withdrawn_at is None:
                _update(link, image, told)


def take_over(asset: Asset, successor: Asset) -> int:
    """Another picture took this one's places: its images show that one. Returns how many.

    :raises InvalidRequest: as :func:`~image_studio.workflow.usage.judge_choice`; then they show what they showed.
    :raises StorageFailed: when a file cannot be read or written.
    """
    if not links_of(asset):
        return 0
    judge_choice(successor)
    data = picture_bytes(successor)
    with transaction.atomic():
        # Whoever withdraws either waits, or was faster and is seen.
        hold(asset, successor)
        successor.refresh_from_db()
        judge_choice(successor)
        pairs = _pairs_of(asset)
        for link, image in pairs:
            StudioImage.objects.filter(pk=link.pk).update(asset=successor)
            _again(link, image, successor, data)
    return len(pairs)


def _again(link: StudioImage, image: Any, asset: Asset, data: tuple[bytes, str]) -> None:
    _fill(image, asset)
    _replace(image, asset, data, asset.focal)
    StudioImage.objects.filter(pk=link.pk).update(title=image.title, withdrawn_at=None, sha1=sum_of(data[0]))


def take_down(asset: Asset) -> int:
    """A picture was withdrawn: the fallback takes its place in every page that shows its image. Returns how many.

    First the mark, committed by itself: an image that is marked is chosen by nobody, whatever becomes of its file.
    What fails then is told, and :func:`renew` finds it.
    """
    with transaction.atomic():
        hold(asset)
        asset.refresh_from_db()
        if is_live(asset):
            return 0  # published again meanwhile
        rows = StudioImage.objects.filter(asset=asset, withdrawn_at=None)
        rows.update(withdrawn_at=timezone.now())
    return one_by_one(links_of(asset), renewed)


def renew() -> int:
    """What stands in for withdrawn pictures, written anew where it is not what it should be. Returns how often.

    After the fallback changed, and where a file could not be written when its picture was withdrawn.
    """
    return one_by_one(withdrawn_links(), renewed)


def withdrawn_links() -> QuerySet[StudioImage]:
    model = get_image_model()._meta.label_lower
    return StudioImage.objects.filter(image_model=model, withdrawn_at__isnull=False).select_related("asset")


def renewed(link: StudioImage) -> bool:
    """Whether another file stands in the withdrawn image now."""
    with transaction.atomic():
        hold(link.asset, *fallback_of(conf().picture))
        now = withdrawn_links().filter(pk=link.pk).first()
        image = _image_of(now) if now is not None else None
        return image is not None and now is not None and _stand_in(now, image)


def _stand_in(link: StudioImage, image: Any) -> bool:
    data = fallback_bytes(link.asset.size, conf().picture)
    if link.sha1 == sum_of(data[0]):
        return False
    # Without a description Wagtail makes the title the alt text. Neither may name what is not there, and the public
    # reads it: in the site's language, not in that of whoever withdrew the picture.
    with override(settings.LANGUAGE_CODE):
        image.title = _("Picture not available")
    if _has(image, "description"):
        image.description = ""
    _replace(image, link.asset, data, None)
    StudioImage.objects.filter(pk=link.pk).update(sha1=sum_of(data[0]))
    return True
