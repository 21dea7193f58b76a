"""Channels: where pictures go, each drawn as a small frame."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from image_studio.admin.base import StudioAdmin
from image_studio.models import Channel


class ChannelForm(ModelForm):  # type: ignore[type-arg]
    """A safe area must leave something to see."""

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        for first, second in (("safe_top", "safe_bottom"), ("safe_left", "safe_right")):
            covered = sum(self.cleaned_data.get(name) or 0.0 for name in (first, second))
            if covered > 0.9:
                self.add_error(second, ValidationError(_("The two sides together leave nothing to see.")))
        return cleaned


@admin.register(Channel)
class ChannelAdmin(StudioAdmin):
    """Site-wide: channels belong to no brand, so Django's permissions decide alone."""

    form = ChannelForm
    list_display = ("shape", "name", "slug", "size", "weight", "format", "as_of", "active")
    list_display_links = ("shape", "name")
    list_filter = ("active", "format")
    search_fields = ("name", "slug")
    actions = None
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "slug", ("width", "height"), ("format", "max_bytes"), "active")}),
        (
            _("Safe area"),
            {
                "description": _("Fractions of the height (top, bottom) and width that the channel itself may cover."),
                "fields": (("safe_top", "safe_bottom"), ("safe_left", "safe_right")),
            },
        ),
        (_("Where the figures come from"), {"fields": ("as_of", "source")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Channel.objects.all()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Layouts and finished cells know a channel by its slug."""
        return ("slug",) if obj else ()

    @admin.display(description=_("shape"))
    def shape(self, channel: Channel) -> SafeString:
        return render_to_string("admin/image_studio/includes/frame.html", {"channel": channel.spec})

    @admin.display(description=_("size"), ordering="width")
    def size(self, channel: Channel) -> SafeString:
        return format_html("{} &times; {}", channel.width, channel.height)

    @admin.display(description=_("weight limit"), ordering="max_bytes")
    def weight(self, channel: Channel) -> str:
        return filesizeformat(channel.max_bytes) if channel.max_bytes else "-"
