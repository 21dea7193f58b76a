"""What providers were asked for lately, shared by all workers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RateWindow(models.Model):
    """The last minute of one model of one provider. :mod:`image_studio.runner.limits` keeps it."""

    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=80)
    #: Not before this moment; the database's clock. Jobs of a shut window are not leased.
    open_at = models.DateTimeField()
    #: [[second since 1970, images, tokens], ...], the oldest first; at most one row a second.
    spent = models.JSONField(default=list, blank=True)
    #: Grows with every change: whoever decided by an older state writes nothing.
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "model"], name="studio_rate_window")]
        verbose_name = _("rate window")
        verbose_name_plural = _("rate windows")

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"
