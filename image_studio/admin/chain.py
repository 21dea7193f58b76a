"""Edit histories: the list, the way to begin one, and each one's workbench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy, ngettext

from image_studio.admin import chain_archive, workbench, workbench_begin, workbench_say, workbench_views
from image_studio.admin.base import StudioAdmin, chip, policy_of, thumbnail
from image_studio.models import Asset, EditCandidate, EditChain
from image_studio.policy import Policy
from image_studio.states import CHAIN


class ChainList(ChangeList):
    """The list's rows, each with what it began with and what its head shows: two queries for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        policy = policy_of(request)
        heads = _heads(policy, self.result_list)
        for chain in self.result_list:
            source = chain.source if chain.source and policy.can("view", chain.source) else None
            chain.strip = [asset for asset in dict.fromkeys((source, heads.get(chain.pk))) if asset]


def _heads(policy: Policy, chains: Any) -> dict[Any, Asset]:
    """The picture of each chain's head: the chosen one, else the first."""
    rows = EditCandidate.objects.filter(step__chain__in=[chain.pk for chain in chains], asset__isnull=False)
    rows = rows.filter(step__number=F("step__chain__head")).select_related("asset", "step").order_by("index")
    found: dict[Any, tuple[bool, Asset]] = {}
    for row in rows.defer("asset__recipe", "asset__words"):
        chosen = row.index == row.step.choice
        if row.asset and policy.can("view", row.asset) and (chosen or row.step.chain_id not in found):
            found[row.step.chain_id] = (chosen, row.asset)
    return {pk: asset for pk, (_chosen, asset) in found.items()}


@admin.register(EditChain)
class EditChainAdmin(StudioAdmin):
    verbs: ClassVar[Mapping[str, str]] = {"view": "view", "change": "generate", "add": "generate"}
    list_display = ("name", "pictures", "steps", "brand", "standing", "touched")
    list_title = gettext_lazy("Edit histories")
    list_display_links = ("name",)
    list_filter = ("state", ("brand", admin.RelatedOnlyFieldListFilter))
    list_per_page = 30
    search_fields = ("title",)
    ordering = ("-touched_at", "-id")
    actions = None
    change_list_template = "admin/image_studio/chain_list.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChainList]:
        return ChainList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("brand__revision", "cell", "source")

    def get_urls(self) -> list[Any]:
        return [*workbench_views.urls(self), *chain_archive.urls(self), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Begin one: with a picture of the library, or with words."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return workbench_begin.respond(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The workbench."""
        chain = self.found(request, object_id)
        if request.method != "POST":
            return workbench.show(self, request, chain)
        if not self.has_change_permission(request, chain):
            raise PermissionDenied
        return workbench_say.say(self, request, chain)

    @admin.display(description=gettext_lazy("history"), ordering="title")
    def name(self, chain: EditChain) -> str:
        return chain.title

    @admin.display(description=gettext_lazy("from and to"))
    def pictures(self, chain: Any) -> SafeString:
        shown = format_html_join(
            SafeString(' <span class="studio-quiet" aria-hidden="true">&rarr;</span> '),
            "{}",
            ((thumbnail(asset, box=(84, 60)),) for asset in chain.strip),
        )
        return format_html('<span class="wb-list-pictures">{}</span>', shown)

    @admin.display(description=gettext_lazy("steps"), ordering="length")
    def steps(self, chain: EditChain) -> str:
        return ngettext("{n} step", "{n} steps", chain.length).format(n=chain.length)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def standing(self, chain: EditChain) -> SafeString:
        return chip("candidate" if chain.state == "open" else "withdrawn", CHAIN.labels[chain.state])

    @admin.display(description=gettext_lazy("last touched"), ordering="touched_at")
    def touched(self, chain: EditChain) -> SafeString:
        return format_html(
            "{}<br><span class='studio-quiet'>{}</span>",
            date_format(localtime(chain.touched_at), "SHORT_DATETIME_FORMAT"),
            chain.actor_label,
        )
