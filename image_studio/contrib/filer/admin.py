"""*Generate brand-safe variants* in filer's folder view."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from filer.admin.tools import check_files_read_permissions
from filer.models import File, Folder
from filer.settings import FILER_IMAGE_MODEL
from filer.utils.loader import load_model

from image_studio.admin.base import policy_of
from image_studio.admin.generating import MOST_SOURCES, TITLE, generate_url
from image_studio.contrib.filer.folders import brands_of
from image_studio.contrib.filer.models import FiledPicture
from image_studio.contrib.filer.sources import take
from image_studio.models import Brand, VariantSet
from image_studio.policy import Policy

ACTION = "studio_generate_variants"


def generate_variants(
    page: Any, request: HttpRequest, files: QuerySet[Any], folders: QuerySet[Any]
) -> HttpResponse | None:
    """Take the ticked images into a brand's library, and open the form for them; nothing is asked for yet."""
    images = _images(files, folders)
    if not 0 < len(images) <= MOST_SOURCES:
        messages.warning(request, _("Choose between one and {n} images.").format(n=MOST_SOURCES))
        return None
    check_files_read_permissions(request, images)
    policy = policy_of(request)
    brands = _brands(policy)
    if not brands:
        messages.error(request, _("Generating needs the role Creator in a brand. Ask one of its managers for it."))
        return None
    brand = _chosen(request, brands, images)
    if brand is None:
        return _ask(page, request, brands, images)
    taken = take(policy, brand, images)
    for words in taken.refused:
        messages.warning(request, words)
    if not taken.assets:
        return None
    return HttpResponseRedirect(generate_url(source=[asset.pk for asset in taken.assets]))


generate_variants.short_description = TITLE  # type: ignore[attr-defined]


def _images(files: QuerySet[Any], folders: QuerySet[Any]) -> list[Any]:
    """The images among what is ticked, and those that lie right inside a ticked folder."""
    model: Any = load_model(FILER_IMAGE_MODEL)
    inside = File.objects.filter(folder__in=folders)
    return list(model.objects.filter(pk__in=_keys(files, inside)).select_related("folder"))


def _keys(*rows: QuerySet[Any]) -> list[Any]:
    return [key for part in rows for key in part.values_list("pk", flat=True)]


def _brands(policy: Policy) -> list[Brand]:
    may = policy.brands("ingest").order_by("name")
    return [brand for brand in may.select_related("revision") if policy.can("generate", brand)]


def _chosen(request: HttpRequest, brands: list[Brand], images: list[Any]) -> Brand | None:
    """The brand that was chosen; else the only one that comes in question, by the person's rights or the folder."""
    given = request.POST.get("brand", "")
    if given:
        return next((brand for brand in brands if brand.slug == given), None)
    if len(brands) == 1:
        return brands[0]
    own = {brand.pk for image in images for brand in brands_of(image.folder)}
    own |= set(FiledPicture.objects.filter(file__in=images).values_list("asset__brand", flat=True))
    found = [brand for brand in brands if brand.pk in own]
    return found[0] if len(found) == 1 else None


def _ask(page: Any, request: HttpRequest, brands: list[Brand], images: list[Any]) -> HttpResponse:
    folder = images[0].folder
    name, where = (str(folder), [folder.pk]) if folder else (_("Files"), [])
    listing = "admin:filer-directory_listing" + ("" if folder else "-root")
    sets: Any = page.admin_site.get_model_admin(VariantSet)
    frame = sets.page(request, "", str(TITLE), crumbs=[(name, reverse(listing, args=where))]).context_data
    more = {"brands": brands, "images": images, "action": ACTION, "checkbox": ACTION_CHECKBOX_NAME}
    return TemplateResponse(request, "admin/image_studio_filer/choose_brand.html", {**frame, **more})


def _offer() -> None:
    """On the page that the site has registered for folders, whichever class that is."""
    page: Any = admin.site.get_model_admin(Folder)
    setattr(type(page), ACTION, generate_variants)
    if ACTION not in page.actions:
        page.actions = [*page.actions, ACTION]


_offer()
