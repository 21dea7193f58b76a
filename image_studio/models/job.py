"""Work: what is bought or made, what came out, each call, and who works now."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from image_studio.models.asset import Asset
from image_studio.models.base import uuid7
from image_studio.models.brand import Brand, BrandRevision
from image_studio.models.variant import VariantSet
from image_studio.states import ATTEMPT, JOB

JOB_KINDS = {
    "picture": _("Picture"),
    "compose": _("Composition"),
    "render": _("Public files"),
}


class Job(models.Model):
    """A unit of work, and its own entry in the queue.

    ``picture`` buys ``n`` pictures with one request; ``compose`` sets texts and logos anew on pictures that are
    there, ``render`` makes public files: both are local and free.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=list(JOB_KINDS.items()))
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="jobs")
    revision = models.ForeignKey(BrandRevision, models.PROTECT, null=True, related_name="+")
    variant_set = models.ForeignKey(VariantSet, models.PROTECT, null=True, blank=True, related_name="jobs")
    asset = models.ForeignKey(Asset, models.PROTECT, null=True, blank=True, related_name="jobs")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    actor_label = models.CharField(max_length=200)
    #: True for a command's job, which no membership limits.
    operator = models.BooleanField(default=False)

    provider = models.CharField(max_length=40, blank=True)
    route = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=80, blank=True)
    #: A ``PictureRequest`` for pictures; {"variants": [...]} for compositions.
    request = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, blank=True)
    n = models.PositiveSmallIntegerField(default=1)
    #: What all pictures take at most of a limit on tokens; 0 where nobody can count them.
    tokens = models.PositiveIntegerField(default=0, db_default=0)
    estimate_micro_usd = models.PositiveBigIntegerField(default=0)
    cost_micro_usd = models.PositiveBigIntegerField(default=0)
    #: What is held for the call to come; of a call whose outcome is unknown the attempt holds it.
    hold_micro_usd = models.PositiveBigIntegerField(default=0, db_default=0)
    #: Whose budget it is held of.
    hold_user = models.CharField(max_length=64, blank=True, default="", db_default="")
    #: How often it was sent again although a call before may have been charged, by a person or by the site's policy.
    resends = models.PositiveSmallIntegerField(default=0, db_default=0)
    #: A person wants whatever lies in the spool of the host that asked; its worker looks.
    adopt_asked_at = models.DateTimeField(null=True, blank=True)

    #: What becomes of the answer of an edit: {"step": id, "paste": bool, "feather": pixels or None}; empty elsewhere.
    edit = models.JSONField(default=dict, blank=True)

    #: Early versions while it works: output index -> {"file": name in private storage, "number": n, "format": f}.
    partials = models.JSONField(default=dict, blank=True)

    state = models.CharField(max_length=10, choices=JOB.choices, default="queued")
    error_code = models.CharField(max_length=80, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    #: Not before this moment; the database's clock.
    available_at = models.DateTimeField()
    #: Lower goes first, so that no brand's long queue holds up another: see ``runner.turns``.
    turn = models.PositiveBigIntegerField(default=0, db_default=0)
    lease_owner = models.UUIDField(null=True, blank=True)
    #: Grows with every lease: an older holder's writes are fenced out.
    lease_token = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    #: Calls of the provider, and how often its answer could not be stored.
    attempts_made = models.PositiveSmallIntegerField(default=0)
    saves_made = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["state", "turn", "available_at", "id"], name="studio_job_turn"),
            models.Index(fields=["brand", "state", "turn"], name="studio_job_brand_turn"),
            models.Index(fields=["state", "lease_until"], name="studio_job_lease"),
            models.Index(fields=["lease_owner"], name="studio_job_owner"),
        ]
        constraints = [
            models.CheckConstraint(condition=JOB.names_q, name="studio_job_state_name"),
            models.CheckConstraint(condition=models.Q(kind__in=list(JOB_KINDS)), name="studio_job_kind"),
        ]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.id}"


class JobOutput(models.Model):
    """Picture ``index`` of a job: a raw asset, or a named fault in its place."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="outputs")
    index = models.PositiveSmallIntegerField()
    asset = models.ForeignKey(Asset, models.PROTECT, null=True, blank=True, related_name="+")
    fault_code = models.CharField(max_length=80, blank=True)
    fault_params = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("index",)
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="studio_output_index")]
        verbose_name = _("job output")
        verbose_name_plural = _("job outputs")

    def __str__(self) -> str:
        return f"{self.job_id} [{self.index}]"


class Attempt(models.Model):
    """One call of a provider, committed as ``sending`` before anything is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, choices=ATTEMPT.choices, default="sending")
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=80)
    worker = models.UUIDField()
    host = models.CharField(max_length=255, blank=True)
    request_id = models.CharField(max_length=120, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    effective = models.JSONField(default=dict, blank=True)
    micro_usd = models.PositiveBigIntegerField(default=0)
    #: Held as long as it may have been charged and nobody knows.
    hold_micro_usd = models.PositiveBigIntegerField(default=0, db_default=0)
    hold_user = models.CharField(max_length=64, blank=True, default="", db_default="")
    error_code = models.CharField(max_length=80, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("number",)
        indexes = [models.Index(fields=["state", "job"], name="studio_attempt_state")]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="studio_attempt_number"),
            models.CheckConstraint(condition=ATTEMPT.names_q, name="studio_attempt_state_name"),
        ]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}"


class WorkerBeat(models.Model):
    """A worker that is alive. Rows older than a few beats are dead workers."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    concurrency = models.PositiveIntegerField()
    running = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"
