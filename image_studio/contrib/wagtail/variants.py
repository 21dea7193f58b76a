"""*Make variants*: the images that somebody ticked become sources in the studio, and the panel opens with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin import messages
from wagtail.images.views.bulk_actions.image_bulk_action import ImageBulkAction

from image_studio.contrib.wagtail.models import StudioImage
from image_studio.contrib.wagtail.panel import MOST_SOURCES, PREFIX
from image_studio.contrib.wagtail.promotion import shows
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import Asset, Brand
from image_studio.policy import Policy
from image_studio.wording import explain_error
from image_studio.workflow.library import describe, ingest


class BrandForm(forms.Form):
    """Whose pictures they become."""

    brand = forms.ModelChoiceField(label=_("Brand"), queryset=Brand.objects.none(), empty_label=None)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["brand"]
        field.queryset = Policy(user).brands("ingest").order_by("name")


class MakeVariants(ImageBulkAction):
    """Brings the images into the studio's library, where nothing of them is public, and goes on to the panel."""

    display_name = _("Make variants")
    action_type = "studio_variants"
    aria_label = _("Make variants of the selected images in the studio")
    template_name = "image_studio_wagtail/make_variants.html"
    action_priority = 40
    form_class = BrandForm

    def check_perm(self, image: Any) -> bool:
        allowed: bool = self.permission_policy.user_has_permission_for_instance(self.request.user, "choose", image)
        return allowed

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """As many as the panel takes: nobody is asked for the brand of more, and none is left out unsaid."""
        if len(self.get_actionable_objects()[0]) > MOST_SOURCES:
            messages.warning(request, _("Choose between one and {n} images.").format(n=MOST_SOURCES))
            return redirect(self.next_url)
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_execution_context(self) -> dict[str, Any]:
        return {"action": self, "brand": self.cleaned_form.cleaned_data["brand"]}

    @classmethod
    def execute_action(cls, objects: Sequence[Any], action: Any = None, brand: Any = None, **_more: Any) -> Any:
        policy = Policy(action.request.user)
        found, refused = adopt(policy, brand, objects)
        for words in refused:
            messages.warning(action.request, words)
        if found:
            query = urlencode([("source", str(asset.pk)) for asset in found])
            action.next_url = f"{reverse(f'{PREFIX}:panel')}?{query}"
        return len(found), 0

    def get_success_message(self, num_parent_objects: int, num_child_objects: int) -> None:
        """The panel that opens says enough."""


def adopt(policy: Policy, brand: Brand, images: Sequence[Any]) -> tuple[list[Asset], list[str]]:
    """The pictures of these images in a brand's library, and why others are not there, in words.

    An image that shows a picture of the studio is that picture, with its rights and their end. It is refused where that
    is another brand's or was withdrawn. The same file is taken in only once.
    """
    found: list[Asset] = []
    refused: list[str] = []
    for image in images:
        try:
            found.append(_own(policy, brand, image) or _taken_in(policy, brand, image))
        except StudioError as error:
            refused.append(f"{image.title}: {explain_error(error)}")
        except ValidationError as error:
            refused.append(f"{image.title}: {' '.join(error.messages)}")
        except OSError:
            refused.append(f"{image.title}: {_('Its file cannot be read.')}")
    return list(dict.fromkeys(found)), refused


def _own(policy: Policy, brand: Brand, image: Any) -> Asset | None:
    """The picture that an image shows, whosever it is; None for an image that the studio did not make.

    :raises InvalidRequest: ``usage.withdrawn``, for what stands in the picture's place.
    :raises NotAllowed: for who may not see the picture.
    :raises ValidationError: ``brand``, where it belongs to another one.
    """
    rows = StudioImage.objects.filter(image_model=image._meta.label_lower, image_id=str(image.pk))
    link = rows.select_related("asset__brand").first()
    if link is None or not shows(link, image):
        return None
    if link.withdrawn_at is not None:
        raise InvalidRequest("usage.withdrawn")
    asset: Asset = link.asset
    policy.require("view", asset)
    if asset.brand_id != brand.pk:
        words = _("It is a picture of the brand “%(name)s”. Make its variants there.")
        raise ValidationError(words, code="brand", params={"name": asset.brand.name})
    return asset


def _taken_in(policy: Policy, brand: Brand, image: Any) -> Asset:
    with image.open_file() as file:
        data = file.read()
    words = getattr(image, "description", "") or ""
    alt = {brand.kit.default_locale: words} if words else {}
    taken = ingest(policy, brand, data, name=image.filename, origin="import", title=image.title, alt=alt)
    if not taken.duplicate and image.has_focal_point() and image.width and image.height:
        focal = min(1.0, image.focal_point_x / image.width), min(1.0, image.focal_point_y / image.height)
        describe(policy, taken.asset, focal=focal)
    return taken.asset


def may_adopt(request: HttpRequest) -> bool:
    return Policy(request.user).somewhere("ingest")
