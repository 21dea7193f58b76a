"""Variant sets: the list, the contact sheet, and what is said to its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from image_studio.admin import files, generate, inspecting, live
from image_studio.admin.base import StudioAdmin, chip, policy_of, refusal, thumbnail, wants_json
from image_studio.admin.bulk import Outcome, name_of, say_many, say_to, ticked
from image_studio.admin.contact_sheet import BULK, FILTERS, SCRIPT_WORDS, TextsForm, context_of, texts_form
from image_studio.admin.inspecting import Typed
from image_studio.admin.reviewing import VERBS, SayForm
from image_studio.exceptions import InvalidRequest, StudioError
from image_studio.models import Variant, VariantSet
from image_studio.wording import explain_error
from image_studio.workflow import cells
from image_studio.workflow.archive import archive
from image_studio.workflow.sheet import sheet

#: While a set runs, a page without scripts loads itself again; it can be switched off on the page.
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
        inspect = require_http_methods(["GET", "HEAD", "POST"])(self.inspect_view)
        return [
            path("generate/", wrap(self.generate_view), name=f"{name}_generate"),
            path("generate/price/", wrap(require_POST(self.price_view)), name=f"{name}_price"),
            path("<uuid:set_id>/say/", wrap(require_POST(self.say_view)), name=f"{name}_say"),
            path("<uuid:set_id>/live/", wrap(require_safe(self.live_view)), name=f"{name}_live"),
            path("<uuid:set_id>/zip/", wrap(require_safe(self.zip_view)), name=f"{name}_zip"),
            path("<uuid:set_id>/compare/", wrap(require_safe(self.compare_view)), name=f"{name}_compare"),
            path(
                "<uuid:set_id>/partial/<uuid:job_id>/<int:index>/",
                wrap(require_safe(self.partial_view), cacheable=True),
                name=f"{name}_partial",
            ),
            path("<uuid:set_id>/cell/<uuid:cell_id>/", wrap(require_POST(self.cell_view)), name=f"{name}_cell"),
            path("<uuid:set_id>/cell/<uuid:cell_id>/inspect/", wrap(inspect), name=f"{name}_inspect"),
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
        return self._sheet(request, self.found(request, object_id), show=request.GET.get("show", ""))

    def _sheet(
        self, request: HttpRequest, variant_set: VariantSet, *, show: str, status: int = 200, **given: Any
    ) -> HttpResponse:
        """:param given: what a person had typed and ticked, on a page that is shown again."""
        show = show if show in FILTERS else ""
        found = sheet(policy_of(request), variant_set, evidence=False)
        context = context_of(policy_of(request), found, show=show, **given)
        response = self.page(
            request,
            "sheet.html",
            _("Contact sheet"),
            crumbs=[self.list_crumb()],
            # Reloading a page that answers a form would ask to send the form again.
            live=found.active and request.method == "GET" and request.GET.get("live") != "off",
            refresh_seconds=REFRESH_SECONDS,
            sheet_url=self.url("change", variant_set.pk),
            bar=SafeString(live.bar_html(found)),
            script_words=list(SCRIPT_WORDS.items()),
            **context,
        )
        response.status_code = status
        return response

    def live_view(self, request: HttpRequest, set_id: UUID) -> HttpResponse:
        """What changed since an open page last asked."""
        variant_set = self.found(request, str(set_id))
        show = request.GET.get("show", "")
        return live.answer(policy_of(request), variant_set, have=request.GET.get("have", ""), show=show)

    def partial_view(self, request: HttpRequest, set_id: UUID, job_id: UUID, index: int) -> HttpResponse:
        """An early version of a picture of this set."""
        variant_set = self.found(request, str(set_id))
        if not variant_set.jobs.filter(pk=job_id).exists():
            raise Http404
        return files.partial(request, job_id, index)

    def zip_view(self, request: HttpRequest, set_id: UUID) -> HttpResponseBase:
        """All finished pictures in one file."""
        variant_set = self.found(request, str(set_id))
        try:
            return files.download(archive(policy_of(request), variant_set))
        except StudioError as error:
            messages.error(request, explain_error(error))
            return self.back("change", variant_set.pk)

    def compare_view(self, request: HttpRequest, set_id: UUID) -> HttpResponse:
        """Two to four candidates side by side."""
        variant_set = self.found(request, str(set_id))
        crumbs = [self.list_crumb(), (_("Contact sheet"), self.url("change", variant_set.pk))]
        context = inspecting.compared(request, variant_set)
        sheet_url = self.url("change", variant_set.pk)
        return self.page(request, "compare.html", _("Side by side"), crumbs=crumbs, sheet_url=sheet_url, **context)

    def inspect_view(self, request: HttpRequest, set_id: UUID, cell_id: UUID) -> HttpResponse:
        """Everything about one cell: a page, or with ``part`` what a side panel holds; its forms come back here."""
        if request.method == "POST":
            return self._inspected(request, self._set(request, set_id), cell_id)
        return self._inspector(request, self.found(request, str(set_id)), cell_id, show=request.GET.get("show", ""))

    def _inspector(
        self, request: HttpRequest, variant_set: VariantSet, cell_id: UUID, *, show: str, typed: Typed | None = None
    ) -> HttpResponse:
        context = inspecting.context_of(request, variant_set, cell_id, show=show, typed=typed)
        context["sheet_url"] = self.url("change", variant_set.pk)
        context["inspect_url"] = self.url("inspect", variant_set.pk, cell_id)
        if "part" in request.GET:
            return TemplateResponse(request, "admin/image_studio/includes/inspect.html", {**context, "part": True})
        crumbs = [self.list_crumb(), (_("Contact sheet"), context["sheet_url"])]
        return self.page(request, "inspect.html", context["shown"].name, crumbs=crumbs, **context)

    def _inspected(self, request: HttpRequest, variant_set: VariantSet, cell_id: UUID) -> HttpResponse:
        """A verb from the inspector; where it is refused, what was typed is still there."""
        cell, show = self._cell(variant_set, cell_id), request.POST.get("show", "")
        verb = request.POST.get("do", "")
        try:
            message = self._say_one(request, cell, verb)
        except StudioError as error:
            if wants_json(request):
                return refusal(error)
            typed = Typed(verb=verb, data=request.POST, problem=explain_error(error))
            response = self._inspector(request, variant_set, cell_id, show=show, typed=typed)
            response.status_code = error.http_status
            return response
        if wants_json(request):
            return JsonResponse({"ok": True, "message": message})
        messages.success(request, message)
        return HttpResponseRedirect(inspect_url(self, variant_set, cell_id, show))

    def _set(self, request: HttpRequest, set_id: UUID) -> VariantSet:
        found: VariantSet = self.found(request, str(set_id))
        if not request.user.has_perm("image_studio.change_variantset"):
            raise PermissionDenied
        return found

    def _cell(self, variant_set: VariantSet, cell_id: UUID) -> Variant:
        """:raises Http404: for a cell of another set."""
        rows = variant_set.variants.select_related("asset__publish_job", "channel", "job")
        cell: Variant | None = rows.filter(pk=cell_id).first()
        if cell is None:
            raise Http404
        cell.variant_set = variant_set
        return cell

    def say_view(self, request: HttpRequest, set_id: UUID) -> HttpResponse:
        """A verb for the whole set, or for its ticked cells."""
        variant_set = self._set(request, set_id)
        verb = request.POST.get("do", "")
        if verb == "compare":
            chosen = urlencode([("cell", str(cell)) for cell in ticked(request.POST.getlist("cell"))])
            return HttpResponseRedirect(f"{self.url('compare', variant_set.pk)}?{chosen}")
        if verb in BULK:
            return self._say_many(request, variant_set, verb)
        whole = {"cancel": self._cancel, "retry": self._retry}
        if verb == "recompose":
            return self._recompose(request, variant_set)
        if verb not in whole:
            raise PermissionDenied
        return self._answered(request, variant_set, partial(whole[verb], request, variant_set))

    def _answered(
        self, request: HttpRequest, variant_set: VariantSet, act: Callable[[], str], *, anchor: str = ""
    ) -> HttpResponse:
        """Run a verb and say what came of it: as data to a script, as a message on the sheet to a person."""
        try:
            message = act()
        except StudioError as error:
            if wants_json(request):
                return refusal(error)
            messages.error(request, explain_error(error))
        else:
            if wants_json(request):
                return JsonResponse({"ok": True, "message": message})
            messages.success(request, message)
        return HttpResponseRedirect(sheet_url(self, variant_set, request.POST.get("show", ""), anchor))

    def _cancel(self, request: HttpRequest, variant_set: VariantSet) -> str:
        n = cells.cancel(policy_of(request), variant_set)
        return ngettext("Cancelled {n} cell.", "Cancelled {n} cells.", n).format(n=n)

    def _retry(self, request: HttpRequest, variant_set: VariantSet) -> str:
        n = cells.retry(policy_of(request), variant_set)
        return ngettext("{n} cell is tried again.", "{n} cells are tried again.", n).format(n=n)

    def _recompose(self, request: HttpRequest, variant_set: VariantSet) -> HttpResponse:
        form = texts_form(variant_set, request.POST)
        if not form.is_valid():
            return self._sheet(request, variant_set, show="", status=400, words=form)
        return self._answered(request, variant_set, partial(self._composed, request, variant_set, form))

    def _composed(self, request: HttpRequest, variant_set: VariantSet, form: TextsForm) -> str:
        job = cells.recompose(policy_of(request), variant_set, texts=form.texts())
        return _("Composed anew with these words: free.") if job else _("The words are kept for the pictures to come.")

    def _say_many(self, request: HttpRequest, variant_set: VariantSet, verb: str) -> HttpResponse:
        """The same verb to every ticked cell; those that were refused stay ticked, with what was typed."""
        outcome = say_many(policy_of(request), variant_set, verb, request.POST)
        if wants_json(request):
            return _as_data(outcome)
        for words in outcome.told():
            messages.error(request, words)
        if outcome.done:
            messages.success(request, outcome.success)
        elif outcome.nothing:
            messages.warning(request, _("Tick the cells first."))
        show = request.POST.get("show", "")
        if not outcome.refused:
            return HttpResponseRedirect(sheet_url(self, variant_set, show))
        return self._sheet(
            request,
            variant_set,
            show=show,
            status=outcome.refused[0].error.http_status,
            ticked=[str(one.cell) for one in outcome.refused],
            say_form=SayForm(request.POST, auto_id=False),
        )

    def cell_view(self, request: HttpRequest, set_id: UUID, cell_id: UUID) -> HttpResponse:
        """A verb for one cell, from the sheet."""
        variant_set = self._set(request, set_id)
        cell, verb = self._cell(variant_set, cell_id), request.POST.get("do", "")

        def act() -> str:
            return f"{name_of(cell)}: {self._say_one(request, cell, verb)}"

        return self._answered(request, variant_set, act, anchor=f"cell-{cell.pk}")

    def _say_one(self, request: HttpRequest, cell: Variant, verb: str) -> str:
        policy = policy_of(request)
        if verb == "cancel":
            cells.cancel_cell(policy, cell)
            return _("Cancelled.")
        if verb == "retry":
            cells.retry_cell(policy, cell)
            return _("Tried again.")
        if verb == "recompose":
            return self._relined(request, cell)
        if verb not in VERBS:
            raise PermissionDenied
        return say_to(policy, cell, verb, request.POST)

    def _relined(self, request: HttpRequest, cell: Variant) -> str:
        """New words for the lines that one cell shows, in its language."""
        form = TextsForm(
            request.POST, variant_set=cell.variant_set, locales=[cell.locale], channels=[cell.channel.slug]
        )
        if not form.is_valid():
            field, errors = next(iter(form.errors.items()))
            raise InvalidRequest("texts.refused", line=str(form[field].label), reason=str(errors[0]))
        return self._composed(request, cell.variant_set, form)

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


def sheet_url(page: VariantSetAdmin, variant_set: VariantSet, show: str = "", anchor: str = "") -> str:
    """The sheet's address with its filter."""
    query = "?" + urlencode({"show": show}) if show in FILTERS and show else ""
    return page.url("change", variant_set.pk) + query + (f"#{anchor}" if anchor else "")


def inspect_url(page: VariantSetAdmin, variant_set: VariantSet, cell_id: UUID, show: str = "") -> str:
    query = "?" + urlencode({"show": show}) if show in FILTERS and show else ""
    return page.url("inspect", variant_set.pk, cell_id) + query


def _as_data(outcome: Outcome) -> JsonResponse:
    """What came of a verb for many cells, for scripts."""
    refused = [
        {"id": str(one.cell), "name": one.name, "code": one.error.code, "message": explain_error(one.error)}
        for one in outcome.refused
    ]
    told = [*([outcome.success] if outcome.done else []), *outcome.told()] or [_("Tick the cells first.")]
    answer = {"ok": bool(outcome.done and not refused), "done": outcome.done, "refused": refused, "message": told}
    status = 200 if outcome.done or not outcome.refused else outcome.refused[0].error.http_status
    return JsonResponse({**answer, "message": " ".join(told)}, status=status)
