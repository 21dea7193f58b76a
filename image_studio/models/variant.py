"""A matrix of pictures and its cells."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from image_studio.models.asset import Asset
from image_studio.models.base import uuid7
from image_studio.models.brand import Brand, BrandRevision, Channel
from image_studio.models.prompt import PromptVersion
from image_studio.states import VARIANT

SHARING = {"ratio": _("One picture per ratio"), "key_visual": _("One key visual for all channels")}


class VariantSet(models.Model):
    """Source or prompt x takes x channels x locales, asked for at once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="variant_sets")
    revision = models.ForeignKey(BrandRevision, models.PROTECT, related_name="+")
    title = models.CharField(_("title"), max_length=200)
    source = models.ForeignKey(Asset, models.PROTECT, null=True, blank=True, related_name="variant_sets")
    prompt_version = models.ForeignKey(
        PromptVersion, models.PROTECT, null=True, blank=True, related_name="variant_sets"
    )
    #: The rendered prompt and the values that filled it.
    prompt_text = models.TextField(blank=True)
    variables = models.JSONField(default=dict, blank=True)
    #: Line key -> locale -> words, over the kit's lines.
    texts = models.JSONField(default=dict, blank=True)
    #: The matrix as it was asked for, complete enough to ask again.
    matrix = models.JSONField(default=dict)
    route = models.CharField(max_length=40)
    sharing = models.CharField(max_length=10, choices=list(SHARING.items()), default="ratio")
    digest = models.CharField(max_length=64)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["brand", "-id"], name="studio_set_brand")]
        verbose_name = _("variant set")
        verbose_name_plural = _("variant sets")

    def __str__(self) -> str:
        return self.title


class Variant(models.Model):
    """One cell: which bought picture it shows, and what was composed of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    variant_set = models.ForeignKey(VariantSet, models.CASCADE, related_name="variants")
    position = models.PositiveIntegerField()
    take = models.PositiveSmallIntegerField()
    channel = models.ForeignKey(Channel, models.PROTECT, related_name="+")
    #: The channel as it was when asked for: a later edit of the row changes no cell.
    channel_spec = models.JSONField()
    locale = models.CharField(max_length=35)
    job = models.ForeignKey("Job", models.PROTECT, related_name="variants")
    output_index = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=14, choices=VARIANT.choices, default="waiting")
    asset = models.ForeignKey(Asset, models.PROTECT, null=True, blank=True, related_name="variants")
    #: Grows with every recomposition; a composition that started before is not taken.
    round = models.PositiveIntegerField(default=1)
    error_code = models.CharField(max_length=80, blank=True)
    error_params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("position",)
        indexes = [models.Index(fields=["job", "state"], name="studio_variant_job")]
        constraints = [
            models.UniqueConstraint(fields=["variant_set", "take", "channel", "locale"], name="studio_variant_cell"),
            models.CheckConstraint(condition=VARIANT.names_q, name="studio_variant_state_name"),
        ]
        verbose_name = _("variant")
        verbose_name_plural = _("variants")

    def __str__(self) -> str:
        return f"{self.channel.slug} {self.locale} #{self.take + 1}"
