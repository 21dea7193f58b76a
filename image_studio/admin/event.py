"""The record of what happened: to be read, never written."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from image_studio.admin.base import StudioAdmin, policy_of
from image_studio.models import Asset, Event


@admin.register(Event)
class EventAdmin(StudioAdmin):
    list_display = ("at", "actor_label", "verb", "object_type", "object_id")
    list_filter = ("object_type",)
    search_fields = ("verb__startswith", "object_id__exact", "actor_label__startswith")
    fields = ("at", "actor_label", "verb", "object_type", "object_id", "details")
    readonly_fields = fields
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Events keep a brand's id as text, so that they outlive it; a brand's own events name it as their object."""
        policy = policy_of(request)
        if policy.passes:
            return Event.objects.all()
        brands = list(policy.brands().values_list("pk", flat=True))
        # Somebody who may see only their own pictures sees only what they did themselves.
        whole = [str(pk) for pk in brands if policy.can("view", Asset(brand_id=pk))]
        own = Q(brand_id__in=[str(pk) for pk in brands], actor_id=policy.actor.user_id)
        return Event.objects.filter(Q(brand_id__in=whole) | Q(object_type="brand", object_id__in=whole) | own)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("details"))
    def details(self, event: Event) -> SafeString:
        return format_html_join("", "<span class='studio-fact'>{}: {}</span> ", sorted(event.data.items()))
