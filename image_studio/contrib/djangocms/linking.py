"""The pages that a picture may link to: those of the site at hand, searched while somebody types."""

from __future__ import annotations

from typing import Any

from cms.models import Page
from cms.utils import get_current_site
from django import forms
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from image_studio.contrib.djangocms.models import StudioPicture

LINK = StudioPicture._meta.get_field("link_page")


def linkable(request: HttpRequest, kept: int | None = None) -> QuerySet[Page]:
    """The pages of this site.

    :param kept: a page that is linked already; it may stay, wherever it is.
    """
    rows: QuerySet[Page] = Page.objects.filter(Q(site=get_current_site(request)) | Q(pk=kept))
    return rows


class PageSelect(AutocompleteSelect):
    """Django's own search field, which asks for a few pages at a time, and here for those of this site."""

    def __init__(self) -> None:
        super().__init__(LINK, admin.site)

    @property
    def media(self) -> forms.Media:
        # Named once more, so that ours stays behind it: it is about what Django's script makes of the field.
        script: Any = forms.Script("image_studio_djangocms/linking.js", type="module")
        return super().media + forms.Media(js=["admin/js/autocomplete.js", script])

    def get_url(self) -> str:
        return reverse("admin:image_studio_djangocms_pages")


class PageList(AutocompleteJsonView):
    """What the search field offers: Django's own view with this one field, whatever the address says."""

    admin_site = admin.site

    def process_request(self, request: HttpRequest) -> tuple[str, Any, Any, str]:
        return request.GET.get("term", ""), admin.site.get_model_admin(Page), LINK, Page._meta.pk.attname

    def get_queryset(self) -> QuerySet[Page]:
        rows: QuerySet[Page] = super().get_queryset().filter(site=get_current_site(self.request))
        return rows

    def has_perm(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may place pictures may see what they could link to: their form would tell it."""
        label = StudioPicture._meta.app_label
        return any(request.user.has_perm(f"{label}.{verb}_studiopicture") for verb in ("add", "change"))
