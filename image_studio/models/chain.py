"""The edit history of a picture as a tree: every step, what came of it, and what people said of that.

A run outlives its pictures: steps and candidates keep sizes and sums, and lose no more than the link when a picture
goes.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from image_studio.models.asset import Asset
from image_studio.models.base import Frozen, uuid7
from image_studio.models.brand import Brand
from image_studio.models.job import Job
from image_studio.models.variant import Variant
from image_studio.states import CHAIN, STEP

#: What a step does. The first two begin a chain.
STEP_KINDS: dict[str, Any] = {
    "start": _("Start from a picture"),
    "generate": _("Start from a prompt"),
    "edit": _("Change"),
    "inpaint": _("Change a part"),
    "markup": _("Follow the drawing"),
    "extend": _("Extend"),
    "restyle": _("Restyle"),
    "combine": _("Combine"),
    "remove_background": _("Remove the background"),
    "replace_background": _("Replace the background"),
}
BEGINNINGS = ("start", "generate")
#: Outcomes of steps that have no job: waiting for the step before, given up, or brought along by an import.
OUTCOMES: dict[str, Any] = {
    "": _("By its job"),
    "planned": _("Planned"),
    "ready": _("Ready"),
    "failed": _("Failed"),
    "blocked": _("Blocked"),
    "cancelled": _("Cancelled"),
    "unknown": _("Outcome unknown"),
}
#: A job's state as a step's status; those that stay are their own.
STATUS_OF = {"queued": "waiting", "leased": "working", "sending": "working", "spooled": "working", "done": "ready"}
#: As what a reference goes along.
REFERENCE_ROLES: dict[str, Any] = {
    "style": _("Style"),
    "subject": _("Subject"),
    "product": _("Product"),
    "background": _("Background"),
    "colours": _("Colours"),
    "other": _("Reference"),
}
#: Why a step's candidates were turned down.
STEP_REASONS: dict[str, Any] = {
    "not_asked": _("Not what was asked for"),
    "too_much": _("Changed too much"),
    "too_little": _("Changed too little"),
    "quality": _("Poor quality"),
    "off_brand": _("Off brand"),
    "text": _("Text is wrong"),
    "people": _("People or rights unclear"),
    "other": _("Other"),
}
FILE_ROLES = {"mask": _("Mask"), "markup": _("Drawing")}


class EditRecipe(Frozen):
    """The path to a step, to be walked again from another picture. Its steps never change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="recipes")
    name = models.CharField(_("name"), max_length=200)
    #: One ``StepOrder`` in plain values for each step of the path, without its start.
    steps = models.JSONField(default=list)
    #: Where it was walked first: chain id and step number; the chain may be gone.
    made_of = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["brand", "-id"], name="studio_recipe_brand")]
        verbose_name = _("edit recipe")
        verbose_name_plural = _("edit recipes")

    def __str__(self) -> str:
        return self.name


class Replay(models.Model):
    """A recipe walked from several pictures, or on several routes, side by side: one chain for each."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="replays")
    recipe = models.ForeignKey(EditRecipe, models.PROTECT, related_name="replays")
    title = models.CharField(_("title"), max_length=200)
    #: What was asked for: pictures, routes, candidates.
    matrix = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["brand", "-id"], name="studio_replay_brand")]
        verbose_name = _("replay")
        verbose_name_plural = _("replays")

    def __str__(self) -> str:
        return self.title


class EditChain(models.Model):
    """An edit history. Its steps are numbered in the order in which they were asked for, the first is its start.

    :ivar head: number of the step that the next one grows from by itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="chains")
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(max_length=8, choices=CHAIN.choices, default="open", editable=False)
    #: The picture that it begins with; None for a prompt, or when the picture is gone.
    source = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="chains")
    #: The cell of a contact sheet that it was begun from, and that can take a result.
    cell = models.ForeignKey(Variant, models.SET_NULL, null=True, blank=True, related_name="chains")
    replay = models.ForeignKey(Replay, models.PROTECT, null=True, blank=True, related_name="chains")
    #: The route of a replay's chain, where it was another than the recipe's own.
    route = models.CharField(max_length=40, blank=True)
    forked_from = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="forks")
    forked_step = models.PositiveIntegerField(null=True, blank=True)
    head = models.PositiveIntegerField(default=1)
    #: How many steps were asked for; the next one's number is one more.
    length = models.PositiveIntegerField(default=0)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    #: When a step was last asked for, chosen or rejected: lists go by it.
    touched_at = models.DateTimeField()

    class Meta:
        ordering = ("-touched_at", "-id")
        indexes = [
            models.Index(fields=["brand", "-touched_at", "-id"], name="studio_chain_brand"),
            models.Index(fields=["-touched_at", "-id"], name="studio_chain_touched"),
            models.Index(fields=["source", "state"], name="studio_chain_source"),
        ]
        constraints = [models.CheckConstraint(condition=CHAIN.names_q, name="studio_chain_state_name")]
        verbose_name = _("edit history")
        verbose_name_plural = _("edit histories")

    def __str__(self) -> str:
        return self.title


class EditStep(models.Model):
    """One step: what was asked for, from which picture, and what was decided of what came."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    chain = models.ForeignKey(EditChain, models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField()
    #: The step that it grows from, always an earlier one; None for the start alone.
    parent_number = models.PositiveIntegerField(null=True, blank=True)
    #: Which candidate of that step.
    parent_candidate = models.PositiveSmallIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=20, choices=list(STEP_KINDS.items()))
    #: In the person's own words; what is sent stands in the job's request.
    instruction = models.TextField(blank=True)
    #: ``StepOrder`` in plain values, complete enough to ask again.
    order = models.JSONField(default=dict, blank=True)
    #: [{"role", "as", "asset", "sha256", "size"}]: kept, whatever becomes of the pictures.
    inputs = models.JSONField(default=list, blank=True)
    route = models.CharField(max_length=40, blank=True)
    job = models.OneToOneField(Job, models.PROTECT, null=True, blank=True, related_name="step")
    #: One of :data:`OUTCOMES` where there is no job.
    outcome = models.CharField(max_length=10, choices=list(OUTCOMES.items()), blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_params = models.JSONField(default=dict, blank=True)
    #: A planned step's job in plain values, without the picture that it waits for. Of an imported step what its archive
    #: told, as {"imported": {"made", "who", "created_at", "archive"}}: a record, believed by nobody.
    plan = models.JSONField(default=dict, blank=True)
    #: What is held for a planned step; its job takes it over.
    hold_micro_usd = models.PositiveBigIntegerField(default=0, db_default=0)

    state = models.CharField(max_length=8, choices=STEP.choices, default="open", editable=False)
    choice = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=20, blank=True, choices=list(STEP_REASONS.items()))
    note = models.TextField(blank=True)
    actor_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(fields=["chain", "number"], name="studio_step_number"),
            # Acyclic by construction: whoever comes later can't be anybody's ancestor.
            models.CheckConstraint(
                condition=Q(parent_number__isnull=True) | Q(parent_number__lt=F("number")), name="studio_step_acyclic"
            ),
            models.CheckConstraint(condition=STEP.names_q, name="studio_step_state_name"),
            models.CheckConstraint(condition=Q(kind__in=list(STEP_KINDS)), name="studio_step_kind"),
            models.CheckConstraint(condition=Q(outcome__in=list(OUTCOMES)), name="studio_step_outcome"),
        ]
        verbose_name = _("edit step")
        verbose_name_plural = _("edit steps")

    def __str__(self) -> str:
        return f"{self.chain_id} #{self.number}"

    @property
    def status(self) -> str:
        """Where it stands: ``planned``, ``waiting``, ``working``, ``ready``, ``failed``, ``blocked``, ``cancelled``
        or ``unknown``."""
        if self.job is None:
            return self.outcome or "ready"
        return STATUS_OF.get(self.job.state, self.job.state)

    @property
    def fault(self) -> tuple[str, dict[str, Any]]:
        """Code and parameters of why it brought nothing; an empty code where nothing is wrong."""
        if self.job is not None and self.job.error_code:
            return self.job.error_code, self.job.error_params
        return self.error_code, self.error_params


class EditCandidate(models.Model):
    """Picture ``index`` of a step: what is shown, the raw answer below it, and how far it drifted."""

    step = models.ForeignKey(EditStep, models.CASCADE, related_name="candidates")
    index = models.PositiveSmallIntegerField()
    #: What is shown and edited further: pasted back where that was possible, else the answer itself.
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="candidates")
    raw = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    #: Of the shown picture; stays when it is gone.
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    micro_usd = models.PositiveBigIntegerField(default=0)
    fault_code = models.CharField(max_length=80, blank=True)
    fault_params = models.JSONField(default=dict, blank=True)
    #: {"pasted", "code", "params", "feather", "shift", "scale", "confidence", "resampled", "tint"}; empty where nothing
    #: was to be put back.
    paste = models.JSONField(default=dict, blank=True)
    #: {"share", "mean", "typical", "worst": [l, t, w, h] in fractions, "worst_mean", "measured", "threshold", "masked",
    #: "raw": the same of the answer before it was pasted}; empty where there is nothing to compare with.
    drift = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("index",)
        constraints = [models.UniqueConstraint(fields=["step", "index"], name="studio_candidate_index")]
        verbose_name = _("candidate")
        verbose_name_plural = _("candidates")

    def __str__(self) -> str:
        return f"{self.step_id} [{self.index}]"


class EditFile(Frozen):
    """A mask or a drawing: a private PNG of the size of the picture that it is for, exactly as it is sent."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    chain = models.ForeignKey(EditChain, models.CASCADE, related_name="files")
    role = models.CharField(max_length=6, choices=list(FILE_ROLES.items()))
    file = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    weight = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    #: {"share": of the area that may change, "bounds": [l, t, w, h] in fractions, "polygons" or "region" where it was
    #: told in fractions and so fits any picture}.
    told = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [models.CheckConstraint(condition=Q(role__in=list(FILE_ROLES)), name="studio_edit_file_role")]
        verbose_name = _("mask or drawing")
        verbose_name_plural = _("masks and drawings")

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.width} x {self.height}"


class EditDraft(models.Model):
    """What somebody has begun to ask for and not sent: words, strokes, references. Nothing is lost on reload."""

    chain = models.ForeignKey(EditChain, models.CASCADE, related_name="drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    data = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "user"], name="studio_edit_draft")]
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")

    def __str__(self) -> str:
        return f"{self.chain_id} {self.user_id}"
