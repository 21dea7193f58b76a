"""Channels: where pictures go. The site's, the same for all brands."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from image_studio.api.base import StudioView
from image_studio.api.filters import StudioFilters, yes_no
from image_studio.api.operations import operation
from image_studio.models import Channel


class SafeArea(serializers.Serializer):
    """What the channel's own furniture may cover, as fractions of the picture's height and width."""

    top = serializers.FloatField()
    right = serializers.FloatField()
    bottom = serializers.FloatField()
    left = serializers.FloatField()


class ChannelRow(serializers.Serializer):
    """A channel."""

    slug = serializers.CharField()
    url = serializers.URLField()
    name = serializers.CharField()
    width = serializers.IntegerField(help_text="In pixels.")
    height = serializers.IntegerField(help_text="In pixels.")
    safe = SafeArea()
    max_bytes = serializers.IntegerField(help_text="Weight limit; 0 is none.")
    format = serializers.CharField()
    as_of = serializers.DateField(allow_null=True, help_text="When its figures were last read.")
    source = serializers.CharField()
    active = serializers.BooleanField(help_text="Only active channels can be asked for.")


PLAIN = ("slug", "name", "width", "height", "max_bytes", "format", "as_of", "source", "active")
EDGES = ("safe_top", "safe_right", "safe_bottom", "safe_left")
FIELDS = (*PLAIN, *EDGES)


class ChannelFilters(StudioFilters):
    """The list's filter."""

    active = yes_no("Whether it can be asked for.", method="by_activity")

    def by_activity(self, found: QuerySet[Channel], _name: str, value: str) -> QuerySet[Channel]:
        return found.filter(active=value == "true")


class ChannelView(StudioView):
    """What the addresses of channels share."""

    tag = "channels"

    def row(self, row: dict[str, Any]) -> dict[str, Any]:
        """:class:`ChannelRow` of a channel's columns."""
        safe = {edge.removeprefix("safe_"): row[edge] for edge in EDGES}
        url = self.address("channel-detail", row["slug"])
        return {**{name: row[name] for name in PLAIN}, "safe": safe, "url": url}


class ChannelList(ChannelView):
    """The channels of the site."""

    filters: ClassVar[Any] = ChannelFilters

    @operation(
        "listChannels",
        "List channels",
        description="By slug.",
        listed=ChannelRow,
        parameters=ChannelFilters.parameters(),
    )
    def get(self, request: Request) -> Response:
        return self.listed(request, Channel.objects.all(), self.row, FIELDS, order=("slug",))


class ChannelDetail(ChannelView):
    """One channel."""

    @operation("getChannel", "Look at a channel", answers={200: ChannelRow})
    def get(self, request: Request, slug: str) -> Response:
        row = Channel.objects.filter(slug=slug).values(*FIELDS).first()
        if row is None:
            raise Http404
        return Response(self.row(row))
