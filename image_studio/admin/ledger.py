"""The ledger: to be read, never written; the Spend page and the switch have their addresses here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from image_studio.admin import correction, spend, switch
from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.admin.money import usd
from image_studio.models import ENTRY_REASONS, Brand, LedgerEntry
from image_studio.workflow.costs import entries


class BrandFilter(admin.SimpleListFilter):
    """The brands whose spending the person may see: entries name them by their id, and outlive them."""

    title = gettext_lazy("brand")
    parameter_name = "brand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = policy_of(request).brands("see_spend").order_by("name")
        return list(rows.values_list("slug", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.filter(brand_id__in=Brand.objects.filter(slug=self.value()).values("pk"))


class ReasonFilter(admin.SimpleListFilter):
    """Why entries are not what they would be by themselves; most have no reason, which is no choice."""

    title = gettext_lazy("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(code, words) for code, words in ENTRY_REASONS.items() if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(LedgerEntry)
class LedgerEntryAdmin(StudioAdmin):
    list_display = ("at", "kind_words", "held", "spent", "pictures", "reason", "model", "user_label", "of_job")
    list_title = gettext_lazy("Ledger")
    list_filter = ("kind", ReasonFilter, BrandFilter)
    list_per_page = 50
    date_hierarchy = None
    search_fields = ("job__exact", "variant_set__exact", "chain__exact", "user_label__startswith", "model__startswith")
    fields = (
        ("at", "day", "kind", "reason"),
        ("held", "spent", "pictures"),
        "note",
        ("user_label", "actor_label"),
        ("provider", "route", "model"),
        ("of_job", "attempt"),
    )
    readonly_fields = (
        *("at", "day", "kind", "reason", "held", "spent", "pictures", "note", "user_label", "actor_label"),
        *("provider", "route", "model", "of_job", "attempt"),
    )
    actions = None
    change_list_template = "admin/image_studio/ledger_list.html"

    def get_urls(self) -> list[Any]:
        def route(where: str, view: Callable[..., HttpResponseBase], name: str, *methods: str) -> Any:
            checked = require_http_methods(methods or ["GET", "HEAD"])(partial(view, self))
            return path(where, self.admin_site.admin_view(checked), name=f"image_studio_ledgerentry_{name}")

        return [
            route("spend/", spend.respond, "spend"),
            route("spend/csv/", spend.download, "csv"),
            route("correct/", correction.respond, "correct", "GET", "HEAD", "POST"),
            route("switch/", switch.respond, "switch", "GET", "HEAD", "POST"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return entries(policy_of(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_words(self, entry: LedgerEntry) -> str:
        return str(entry.get_kind_display())

    @admin.display(description=gettext_lazy("held"))
    def held(self, entry: LedgerEntry) -> str:
        return _change(entry.held_micro_usd)

    @admin.display(description=gettext_lazy("spent"))
    def spent(self, entry: LedgerEntry) -> str:
        return _change(entry.spent_micro_usd)

    @admin.display(description=gettext_lazy("job"))
    def of_job(self, entry: LedgerEntry) -> SafeString | str:
        if entry.job is None:
            return "-"
        url = reverse("admin:image_studio_job_change", args=[entry.job])
        return format_html('<a href="{}">{}</a>', url, str(entry.job)[-8:])


def _change(micro_usd: int) -> str:
    """A change with its sign; nothing where there is none."""
    return f"+{usd(micro_usd)}" if micro_usd > 0 else usd(micro_usd) if micro_usd else "-"
