"""Variant sets: the list, and the way to each one's contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from image_studio.admin import generate, sheet_views
from image_studio.admin.base import StudioAdmin, chip, thumbnail
from image_studio.models import Variant, VariantSet

STRIP = 6


class SetList(ChangeList):
    """The list's rows with their cells counted and their first pictures; pages about one set need neither."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        states = {
            "cells": Q(),
            "ready": Q(variants__state="ready"),
            "waiting": Q(variants__state="waiting"),
            "broken": Q(variants__state="compose_failed"),
        }
        counts = {f"{name}_total": Count("variants", filter=where or None) for name, where in states.items()}
        shown = Variant.objects.filter(state="ready", asset__isnull=False).select_related("asset").order_by("position")
        light = shown.defer("channel_spec", "asset__recipe", "asset__words")[:STRIP]
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters).annotate(**counts)
        return rows.prefetch_related(Prefetch("variants", queryset=light, to_attr="shown"))


@admin.register(VariantSet)
class VariantSetAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view"}
    list_display = ("name", "strip", "progress", "brand", "route", "asked")
    list_title = gettext_lazy("Variant sets")
    waits = True
    list_display_links = ("name",)
    list_filter = (("brand", admin.RelatedOnlyFieldListFilter), "route")
    list_select_related = ("brand",)
    list_per_page = 30
    search_fields = ("title",)
    #: Said, because the counts beside each row would undo the model's own.
    ordering = ("-id",)
    actions = None
    change_list_template = "admin/image_studio/variantset_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SetList]:
        return SetList

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Sets are made on the Generate page, which has its own check.
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        name = "image_studio_variantset"
        return [
            path("generate/", wrap(self.generate_view), name=f"{name}_generate"),
            path("generate/price/", wrap(require_POST(self.price_view)), name=f"{name}_price"),
            *sheet_views.urls(self),
            *super().get_urls(),
        ]

    def generate_view(self, request: HttpRequest) -> HttpResponse:
        """Asking needs Django's permission to add sets, and the brand's to generate."""
        if not request.user.has_perm("image_studio.add_variantset"):
            raise PermissionDenied
        return generate.respond(self, request)

    def price_view(self, request: HttpRequest) -> HttpResponse:
        """What the form as it stands would make and cost, for the line that counts while a person chooses."""
        if not request.user.has_perm("image_studio.add_variantset"):
            raise PermissionDenied
        return generate.price(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The contact sheet."""
        return sheet_views.sheet_page(self, request, self.found(request, object_id), show=request.GET.get("show", ""))

    @admin.display(description=gettext_lazy("set"), ordering="title")
    def name(self, variant_set: VariantSet) -> str:
        return variant_set.title or str(variant_set.pk)

    @admin.display(description=gettext_lazy("pictures"))
    def strip(self, variant_set: Any) -> SafeString:
        shown = format_html_join("", "{}", ((thumbnail(cell.asset, box=(84, 60)),) for cell in variant_set.shown))
        more = variant_set.ready_total - len(variant_set.shown)
        rest = format_html('<span class="studio-more">+{}</span>', more) if more > 0 else ""
        return format_html('<span class="studio-strip">{}{}</span>', shown, rest)

    @admin.display(description=gettext_lazy("state"))
    def progress(self, variant_set: Any) -> SafeString:
        words = _("{ready} of {all} cells").format(ready=variant_set.ready_total, all=variant_set.cells_total)
        if variant_set.cancelled_at:
            state, label = "cancelled", _("Cancelled")
        elif variant_set.broken_total:
            state, label = "failed", _("Some failed")
        elif variant_set.waiting_total and not variant_set.finished_at:
            state, label = "working", _("Working")
        elif variant_set.waiting_total:
            state, label = "failed", _("Some failed")
        else:
            state, label = "ready", _("Ready")
        return format_html('{} <span class="studio-quiet">{}</span>', chip(state, label), words)

    @admin.display(description=gettext_lazy("asked for"), ordering="-id")
    def asked(self, variant_set: VariantSet) -> SafeString:
        return format_html(
            "{}<br><span class='studio-quiet'>{}</span>",
            date_format(localtime(variant_set.created_at), "SHORT_DATETIME_FORMAT"),
            variant_set.actor_label,
        )
