"""A published picture as an image of the site: made once, kept in step, replaced when the picture is withdrawn."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from wagtail.images import get_image_model
from wagtail.models import Collection
from wagtail.permissions import policy_registry

from image_studio import storage
from image_studio.contrib.files import fallback_bytes, file_name, picture_bytes
from image_studio.contrib.wagtail.conf import conf
from image_studio.contrib.wagtail.models import StudioImage
from image_studio.models import Asset, Brand, Event
from image_studio.policy import Policy
from image_studio.workflow.library import hold
from image_studio.workflow.usage import judge_choice

#: The focal area that Wagtail wants around our focal point, as a part of the shorter edge.
FOCAL_PART = 0.2


def promote(policy: Policy, asset: Asset) -> Any:
    """The image of the site that shows this picture; made at the first time, brought up to date at every other.

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
        link = link_of(asset)
        image = image_of(link) if link else None
        if link is not None and image is not None:
            if link.withdrawn_at is None:
                _update(link, image, asset)
            else:
                _again(link, image, asset, data)
            return image
        image = _made(policy, asset, _collection(collection_name(brand)), data)
        StudioImage.objects.create(
            asset=asset, image_model=image._meta.label_lower, image_id=str(image.pk), title=image.title
        )
        Event.objects.record(policy.actor, "asset.promoted", asset, to=image._meta.label_lower, image=str(image.pk))
    return image


def link_of(asset: Asset) -> StudioImage | None:
    """The picture's own image: the first, where it has taken the places of others."""
    return next(iter(links_of(asset)), None)


def links_of(asset: Asset) -> list[StudioImage]:
    rows = StudioImage.objects.filter(asset=asset, image_model=get_image_model()._meta.label_lower)
    return list(rows.order_by("pk"))


def image_of(link: StudioImage) -> Any:
    """The image of a link; None where somebody deleted it past the signals."""
    model: Any = get_image_model()
    return model.objects.filter(pk=link.image_id).first() if link.image_model == model._meta.label_lower else None


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
    try:
        image.save()
    except BaseException:
        # The row goes with the transaction, the file does not.
        if image.file._committed:  # noqa: SLF001 - nobody else knows whether it was stored
            storage.remove(image.file.storage, image.file.name)
        raise
    return image


def _fill(image: Any, asset: Asset) -> None:
    """Title, alt text, focal point and rights, as far as the site's model has fields for them."""
    image.title = str(asset)[:255]
    alt = asset.alt_for(settings.LANGUAGE_CODE)
    if _has(image, "description"):
        image.description = alt[: image._meta.get_field("description").max_length or None]
    mapped = {name: name for name in ("rights_owner", "licence", "territory", "expires_at", "source_type")}
    for source, target in {**mapped, **conf().image_fields}.items():
        if target and _has(image, target):
            setattr(image, target, getattr(asset, source))


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
    image.save()
    # One by one, not in bulk: each tells Wagtail's cache and has its file deleted.
    for rendition in image.renditions.all():
        rendition.delete()
    transaction.on_commit(lambda: storage.remove(store, old))


def restore(asset: Asset) -> None:
    """A picture that was withdrawn is published again: its images show it again."""
    for link in links_of(asset):
        image = image_of(link)
        if image is not None and link.withdrawn_at is not None:
            _show(link, image, asset)


def rewrite(asset: Asset) -> None:
    """Somebody changed the picture's words, focal point or rights: its images say the same."""
    for link in links_of(asset):
        image = image_of(link)
        if image is not None and link.withdrawn_at is None:
            with transaction.atomic():
                _update(link, image, asset)


def take_over(asset: Asset, successor: Asset) -> None:
    """Another picture took this one's places: its images show that one."""
    for link in links_of(asset):
        image = image_of(link)
        if image is not None:
            StudioImage.objects.filter(pk=link.pk).update(asset=successor)
            _show(link, image, successor)


def _show(link: StudioImage, image: Any, asset: Asset) -> None:
    data = picture_bytes(asset)
    with transaction.atomic():
        hold(asset)
        _again(link, image, asset, data)


def _again(link: StudioImage, image: Any, asset: Asset, data: tuple[bytes, str]) -> None:
    _fill(image, asset)
    _replace(image, asset, data, asset.focal)
    StudioImage.objects.filter(pk=link.pk).update(title=image.title, withdrawn_at=None)


def take_down(asset: Asset) -> int:
    """A picture was withdrawn: the fallback takes its place in every page that shows its image. Returns how many."""
    done = 0
    for link in links_of(asset):
        image = image_of(link)
        if image is None:
            continue
        data = fallback_bytes(asset.size, conf().picture)
        with transaction.atomic():
            # First the mark: an image that is marked is chosen by nobody, whatever becomes of its file.
            StudioImage.objects.filter(pk=link.pk).update(withdrawn_at=timezone.now())
            if _has(image, "description"):
                image.description = ""
            _replace(image, asset, data, None)
        done += 1
    return done
