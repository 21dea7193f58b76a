"""The toolbar's menu *Image studio*: the studio's pages, and what this page still waits for."""

from __future__ import annotations

from typing import Any

from cms.models import Placeholder
from cms.toolbar.items import Break
from cms.toolbar_base import CMSToolbar
from cms.toolbar_pool import toolbar_pool
from django.contrib import admin
from django.urls import reverse
from django.utils.translation import gettext as _

from image_studio.admin.base import policy_of
from image_studio.contrib.djangocms.drafts import not_out
from image_studio.contrib.djangocms.models import StudioPicture
from image_studio.models import Asset
from image_studio.states import ASSET

MENU = "image-studio"


@toolbar_pool.register
class StudioToolbar(CMSToolbar):
    """For people who may look at pictures of the studio."""

    def populate(self) -> None:
        library: Any = admin.site.get_model_admin(Asset)
        if not library.has_view_permission(self.request):
            return
        policy = policy_of(self.request)
        waiting = self._waiting()
        title = _("Image studio ({n} not published)").format(n=len(waiting)) if waiting else _("Image studio")
        menu = self.toolbar.get_or_create_menu(MENU, title)
        if policy.somewhere("generate"):
            menu.add_link_item(_("Generate pictures"), url=reverse("admin:image_studio_variantset_generate"))
        menu.add_sideframe_item(_("Library"), url=reverse("admin:image_studio_asset_changelist"))
        if policy.somewhere("review"):
            menu.add_link_item(_("Review board"), url=reverse("admin:image_studio_asset_review"))
        if waiting:
            menu.add_item(Break("studio-waiting"))
        for asset in waiting:
            words = _("To be published: {picture} ({state})").format(picture=asset, state=ASSET.labels[asset.state])
            menu.add_link_item(words, url=reverse("admin:image_studio_asset_change", args=[asset.pk]))

    def _waiting(self) -> list[Asset]:
        """The pictures that keep what is shown from being published, as far as this person may know of them."""
        shown = self.toolbar.get_object()
        if shown is None or not self.toolbar.edit_mode_active:
            return []
        places = Placeholder.objects.get_for_obj(shown)
        placed: Any = StudioPicture.objects.filter(placeholder__in=places).values("picture")
        return list(policy_of(self.request).visible(not_out(placed)))
