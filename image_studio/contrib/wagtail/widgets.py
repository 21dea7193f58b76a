"""The control that holds a picture in Wagtail's forms and StreamFields."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from wagtail.admin.widgets import BaseChooser

from image_studio.contrib.wagtail import editing
from image_studio.fields.forms import label_of, state_of
from image_studio.models import Asset
from image_studio.workflow.showing import is_live


class StudioPictureChooser(BaseChooser):
    """Opens the studio's chooser, narrowed as the field is.

    :param brand: slug; empty offers every brand of who chooses. ``channel`` likewise.
    """

    model = Asset
    choose_one_text = _("Choose a studio picture")
    choose_another_text = _("Choose another picture")
    link_to_chosen_text = _("Open it in the studio")
    chooser_modal_url_name = "image_studio_wagtail_chooser:choose"
    icon = "image"

    def __init__(self, *, brand: str = "", channel: str = "", **kwargs: Any) -> None:
        self.brand, self.channel = brand, channel
        super().__init__(**kwargs)

    def get_chooser_modal_url(self) -> str:
        narrowed = {"brand": self.brand, "channel": self.channel}
        query = urlencode({key: value for key, value in narrowed.items() if value})
        url = reverse(self.chooser_modal_url_name)
        return f"{url}?{query}" if query else url

    def get_value_data_from_instance(self, instance: Asset) -> dict[str, Any]:
        return {"id": str(instance.pk), "edit_url": studio_url(instance), self.display_title_key: title_of(instance)}


def title_of(asset: Asset) -> str:
    """What tells it from its sisters; and why a page shows none of it, where that is so."""
    if is_live(asset):
        return label_of(asset)
    if not _may_see(asset):
        return gettext("A picture that is not published: the page shows the fallback")
    return _("{picture}: {state}, the page shows the fallback").format(picture=asset, state=state_of(asset)[1])


def is_secret(asset: Asset) -> bool:
    """Whether who edits now is known, and may not know of a picture."""
    return editing.current() is not None and not is_live(asset) and not _may_see(asset)


def _may_see(asset: Asset) -> bool:
    """What is not published is for its brand's people; where nobody knows who looks, for nobody."""
    now = editing.current()
    return now is not None and now.policy.can("view", asset)


def studio_url(asset: Asset) -> str:
    """Its page in Django's admin; empty where the site has none."""
    try:
        return reverse("admin:image_studio_asset_change", args=[asset.pk])
    except NoReverseMatch:
        return ""
