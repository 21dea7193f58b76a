"""Variant sets: the list, the contact sheet, and what is said to its cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from image_studio.admin import generate
from image_studio.admin.base import StudioAdmin, chip, policy_of, thumbnail, told
from image_studio.admin.contact_sheet import context_of, texts_form
from image_studio.admin.reviewing import VERBS, say
from image_studio.exceptions import StudioError
from image_studio.models import Variant, VariantSet
from image_studio.wording import explain_error
from image_studio.workflow import cells
from image_studio.workflow.sheet import sheet

#: While a set runs, the page asks again by a header: it needs no script, and can be switched off on the page.
REFRESH_SECONDS = 4
STRIP = 6


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
    actions = None
    change_list_template = "admin/image_studio/variantset_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request)
        states = {
            "cells": Q(),
            "ready": Q(variants__state="ready"),
            "waiting": Q(variants__state="waiting"),
            "broken": Q(variants__state="compose_failed"),
        }
        counts = {f"{name}_total": Count("variants", filter=where or None) for name, where in states.items()}
        shown = Variant.objects.filter(state="ready").select_related("asset").order_by("position")
        rows: QuerySet[Any] = found.annotate(**counts)
        return rows.prefetch_related(Prefetch("variants", queryset=shown, to_attr="shown"))

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
            path("<uuid:set_id>/say/", wrap(require_POST(self.say_view)), name=f"{name}_say"),
            path("<uuid:set_id>/cell/<uuid:cell_id>/", wrap(require_POST(self.cell_view)), name=f"{name}_cell"),
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
        variant_set = self.found(request, object_id)
        found = sheet(policy_of(request), variant_set)
        live = found.active and request.GET.get("live") != "off"
        title = _("Contact sheet")
        context = context_of(policy_of(request), found, show=request.GET.get("show", ""))
        response = self.page(request, "sheet.html", title, crumbs=[self.list_crumb()], live=live, **context)
        if live:
            response["Refresh"] = str(REFRESH_SECONDS)
        return response

    def _set(self, request: HttpRequest, set_id: UUID) -> VariantSet:
        found: VariantSet = self.found(request, str(set_id))
        if not request.user.has_perm("image_studio.change_variantset"):
            raise PermissionDenied
        return found

    def say_view(self, request: HttpRequest, set_id: UUID) -> HttpResponse:
        """A verb for the whole set, or for its ticked cells."""
        variant_set = self._set(request, set_id)
        verb = request.POST.get("do", "")
        whole = {"cancel": self._cancel, "retry": self._retry, "recompose": self._recompose}
        if verb in whole:
            with told(request):
                messages.success(request, whole[verb](request, variant_set))
        elif verb in ("approve", "approve_publish", "publish", "reject"):
            self._say_many(request, variant_set, verb)
        else:
            raise PermissionDenied
        return self.back("change", variant_set.pk)

    def _cancel(self, request: HttpRequest, variant_set: VariantSet) -> str:
        n = cells.cancel(policy_of(request), variant_set)
        return ngettext("Cancelled {n} cell.", "Cancelled {n} cells.", n).format(n=n)

    def _retry(self, request: HttpRequest, variant_set: VariantSet) -> str:
        n = cells.retry(policy_of(request), variant_set)
        return ngettext("{n} cell is tried again.", "{n} cells are tried again.", n).format(n=n)

    def _recompose(self, request: HttpRequest, variant_set: VariantSet) -> str:
        form = texts_form(variant_set, request.POST)
        if not form.is_valid():
            return _("Nothing was changed.")
        job = cells.recompose(policy_of(request), variant_set, texts=form.texts())
        return _("Composed anew with these words: free.") if job else _("The words are kept for the pictures to come.")

    def _say_many(self, request: HttpRequest, variant_set: VariantSet, verb: str) -> None:
        """The same verb to every ticked cell; each refusal is told with its cell."""
        chosen = variant_set.variants.filter(pk__in=_uuids(request.POST.getlist("cell")), asset__isnull=False)
        done = 0
        for cell in chosen.select_related("asset", "channel"):
            try:
                say(policy_of(request), cell.asset, verb, request.POST)  # type: ignore[arg-type]
                done += 1
            except StudioError as error:
                messages.error(request, f"{cell.channel}, {cell.locale}: {explain_error(error)}")
        if done:
            messages.success(request, ngettext("Done for {n} cell.", "Done for {n} cells.", done).format(n=done))
        elif not chosen:
            messages.warning(request, _("Tick the cells first."))

    def cell_view(self, request: HttpRequest, set_id: UUID, cell_id: UUID) -> HttpResponse:
        """A verb for one cell."""
        variant_set = self._set(request, set_id)
        cell = variant_set.variants.select_related("asset", "variant_set", "channel").filter(pk=cell_id).first()
        verb = request.POST.get("do", "")
        if cell is None:
            raise Http404
        with told(request):
            messages.success(request, f"{cell.channel}, {cell.locale}: {self._say_one(request, cell, verb)}")
        return self.back("change", variant_set.pk, anchor=f"cell-{cell.pk}")

    def _say_one(self, request: HttpRequest, cell: Variant, verb: str) -> str:
        policy = policy_of(request)
        if verb == "cancel":
            cells.cancel_cell(policy, cell)
            return _("Cancelled.")
        if verb == "retry":
            cells.retry_cell(policy, cell)
            return _("Tried again.")
        if verb not in VERBS or cell.asset is None:
            raise PermissionDenied
        return say(policy, cell.asset, verb, request.POST)

    @admin.display(description=gettext_lazy("set"), ordering="title")
    def name(self, variant_set: VariantSet) -> str:
        return variant_set.title or str(variant_set.pk)

    @admin.display(description=gettext_lazy("pictures"))
    def strip(self, variant_set: Any) -> SafeString:
        shown = format_html_join(
            "", "{}", ((thumbnail(cell.asset, box=(84, 60)),) for cell in variant_set.shown[:STRIP])
        )
        more = len(variant_set.shown) - STRIP
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


def _uuids(values: list[str]) -> list[UUID]:
    found = []
    for value in values:
        try:
            found.append(UUID(value))
        except ValueError:
            continue
    return found
