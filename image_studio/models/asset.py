"""Pictures, their files, their verdicts and what people said of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from image_studio.models.base import Frozen, uuid7
from image_studio.models.brand import Brand, BrandRevision, Channel
from image_studio.states import ASSET

KINDS = {"raw": _("Original"), "composed": _("Composed")}
ORIGINS = {
    "upload": _("Uploaded"),
    "import": _("Imported"),
    "provider": _("Made by a provider"),
    "compose": _("Composed here"),
}

#: Stands in :attr:`Asset.words` between what everybody may search and what only members may: no word has it inside.
PRIVATE = "\n\n"
MOST_LETTERS = 20_000


class AssetQuerySet(models.QuerySet["Asset"]):
    """Questions that are asked often."""

    def unexpired(self) -> AssetQuerySet:
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now()))

    def live(self) -> AssetQuerySet:
        """What the public may see: published and not past its rights."""
        return self.unexpired().filter(state="published")


class Asset(Frozen):
    """One immutable picture. Words, rights, focal point and review state may change; the bytes never."""

    changeable: ClassVar[frozenset[str]] = frozenset(
        {"title", "alt", "focal_x", "focal_y", "rights_owner", "licence", "territory", "expires_at", "tags", "words"}
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    #: Most indexes begin with it: one of its own would only be written.
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="assets", db_index=False)
    kind = models.CharField(max_length=8, choices=list(KINDS.items()))
    origin = models.CharField(max_length=8, choices=list(ORIGINS.items()))
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    channel = models.ForeignKey(Channel, models.SET_NULL, null=True, blank=True, related_name="+")
    locale = models.CharField(max_length=35, blank=True)
    revision = models.ForeignKey(BrandRevision, models.PROTECT, null=True, blank=True, related_name="+")

    file = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    weight = models.PositiveBigIntegerField()
    format = models.CharField(max_length=8)
    #: Upright, in pixels.
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    has_alpha = models.BooleanField(default=False)
    #: 64-bit perceptual hash, stored signed.
    fingerprint = models.BigIntegerField(null=True, blank=True)
    #: A grid of average colours (``"4x3:"`` and six hexadecimal digits each), shown until the picture is there.
    colours = models.CharField(max_length=110, blank=True, editable=False)
    #: IPTC digital source type: what is true of the pixels.
    source_type = models.CharField(max_length=64, blank=True)
    #: False for stand-ins: they can be looked at and never released.
    publishable = models.BooleanField(default=True)
    #: How it was made: provider, model, request, effective values, layers.
    recipe = models.JSONField(default=dict, blank=True)
    #: What the bought picture cost that it shows, in micro-USD: its share of its job.
    micro_usd = models.PositiveBigIntegerField(default=0, editable=False)

    title = models.CharField(_("title"), max_length=200, blank=True)
    #: Locale -> words.
    alt = models.JSONField(_("alt text"), default=dict, blank=True)
    tags = models.JSONField(_("tags"), default=list, blank=True)
    focal_x = models.FloatField(null=True, blank=True)
    focal_y = models.FloatField(null=True, blank=True)
    rights_owner = models.CharField(_("rights owner"), max_length=200, blank=True)
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    territory = models.CharField(_("territory"), max_length=200, blank=True)
    expires_at = models.DateTimeField(_("rights end"), null=True, blank=True)
    #: Title, alt texts and tags, then behind :data:`PRIVATE` the prompt: lower-cased, for the library's search.
    words = models.TextField(blank=True, editable=False)
    #: When a page last took it; what uses it now is asked of the pages themselves.
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    state = models.CharField(max_length=12, choices=ASSET.choices, default="candidate", editable=False)
    publish_job = models.ForeignKey("Job", models.SET_NULL, null=True, blank=True, editable=False, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    #: The "change this" that nobody has answered yet; a decision or a newer wish takes its place.
    change_asked = models.ForeignKey("Review", models.SET_NULL, null=True, blank=True, editable=False, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    #: Who asked for the set that it was made for. :attr:`created_by` is somebody else where another one tried again or
    #: composed anew: the picture is the first one's own all the same, and neither of them is its second person.
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = [
            # Of one brand, as its members look; and of all brands, as superusers do.
            models.Index(fields=["brand", "state", "-id"], name="studio_asset_state"),
            models.Index(fields=["brand", "sha256"], name="studio_asset_sum"),
            models.Index(fields=["brand", "-id"], name="studio_asset_new"),
            models.Index(fields=["brand", "-used_at", "-id"], name="studio_asset_used"),
            models.Index(fields=["brand", "-micro_usd", "-id"], name="studio_asset_price"),
            models.Index(fields=["state", "-id"], name="studio_asset_all_state"),
            models.Index(fields=["-used_at", "-id"], name="studio_asset_all_used"),
            models.Index(fields=["-micro_usd", "-id"], name="studio_asset_all_price"),
            models.Index(fields=["expires_at"], name="studio_asset_expiry"),
            models.Index(fields=["brand", "kind", "state", "id"], name="studio_asset_queue"),
            models.Index(fields=["brand", "channel", "locale", "state"], name="studio_asset_place"),
            models.Index(fields=["brand", "change_asked"], name="studio_asset_asked"),
        ]
        constraints = [
            models.CheckConstraint(condition=ASSET.names_q, name="studio_asset_state_name"),
            models.CheckConstraint(
                condition=Q(publishable=True) | ~Q(state="published"), name="studio_asset_never_published"
            ),
        ]
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")

    def __str__(self) -> str:
        return self.title or f"{self.get_kind_display()} {self.width} x {self.height}"

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def focal(self) -> tuple[float, float] | None:
        """The point that must stay visible, as fractions, or None."""
        return None if self.focal_x is None or self.focal_y is None else (self.focal_x, self.focal_y)

    def alt_for(self, locale: str = "") -> str:
        """The alt text of a locale: its own, its language's, the picture's locale's, any."""
        for wanted in (locale, locale.split("-", maxsplit=1)[0], self.locale):
            if wanted and self.alt.get(wanted):
                return str(self.alt[wanted])
        return str(next(iter(self.alt.values()), ""))

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def is_of(self, user: Any) -> bool:
        """Whether this user asked for it or made it: where a kit wants a second person, that is somebody else."""
        return user is not None and user.pk in (self.created_by_id, self.requested_by_id)

    @property
    def prompt(self) -> str:
        """The prompt that it was bought with; a composed picture's stands in its parent's recipe."""
        return str((self.recipe.get("request") or {}).get("prompt") or "")

    def search_words(self) -> str:
        """What :attr:`words` must hold: written by whoever changes one of its parts."""
        made_from = self.parent if self.kind == "composed" and self.parent else self
        parts = (" ".join(str(part).split()).lower() for part in (self.title, *self.alt.values(), *self.tags))
        told = "\n".join(dict.fromkeys(part for part in parts if part))[: MOST_LETTERS // 2]
        return f"{told}{PRIVATE}{made_from.prompt.strip().lower()}"[:MOST_LETTERS]

    @property
    def locales_to_describe(self) -> tuple[str, ...]:
        """The languages in which it needs an alt text before it is published."""
        return (self.locale,) if self.locale else self.brand.kit.locales

    @property
    def alt_missing(self) -> tuple[str, ...]:
        """Those of them that have none; ``pt`` speaks for ``pt-BR``."""
        return tuple(
            locale
            for locale in self.locales_to_describe
            if not (self.alt.get(locale) or self.alt.get(locale.split("-", maxsplit=1)[0]))
        )


class Rendition(Frozen):
    """A derived file of an asset. ``spec`` says which: ``preview`` (private), ``w960.webp`` (public)."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="renditions")
    spec = models.CharField(max_length=40)
    public = models.BooleanField(default=False)
    file = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    weight = models.PositiveIntegerField()
    format = models.CharField(max_length=8)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("width", "format")
        constraints = [models.UniqueConstraint(fields=["asset", "spec"], name="studio_rendition_spec")]
        verbose_name = _("rendition")
        verbose_name_plural = _("renditions")

    def __str__(self) -> str:
        return self.spec


VERDICTS = {"pass": _("passed"), "warn": _("warned"), "fail": _("failed"), "not_run": _("not run")}
CHECK_KINDS = {"measured": _("measured"), "judged": _("judged"), "composed": _("composed")}


class CheckResult(Frozen):
    """One verdict on one asset under one revision of the kit. Not run is never a pass."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="verdicts")
    revision = models.ForeignKey(BrandRevision, models.PROTECT, null=True, related_name="+")
    check_name = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=list(CHECK_KINDS.items()))
    verdict = models.CharField(max_length=7, choices=list(VERDICTS.items()))
    blocks = models.BooleanField(default=False)
    code = models.CharField(max_length=80)
    params = models.JSONField(default=dict, blank=True)
    score = models.FloatField(null=True, blank=True)
    #: [left, top, width, height] as fractions of the picture.
    region = models.JSONField(null=True, blank=True)
    rule = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=list(VERDICTS)), name="studio_verdict_name"),
            models.CheckConstraint(condition=Q(kind__in=list(CHECK_KINDS)), name="studio_verdict_kind"),
        ]
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")

    def __str__(self) -> str:
        return f"{self.check_name}: {self.verdict}"


DECISIONS = {"approve": _("Approved"), "reject": _("Rejected"), "change": _("Change asked for")}
#: What an approver signs while nothing has judged the picture's content; each is kept with the review.
DECLARATION: dict[str, Any] = {
    "people": _("No real person can be recognised, or they have agreed."),
    "trademarks": _("No logo, product or design of somebody else is shown."),
    "minors": _("No minor is shown, or their guardians have agreed."),
    "invented_text": _("No text or number in the picture is made up or wrong."),
}
REJECT_REASONS: dict[str, Any] = {
    "off_brand": _("Off brand"),
    "wrong_crop": _("Wrong crop"),
    "text": _("Text is wrong"),
    "quality": _("Poor quality"),
    "content": _("Wrong or unsuitable content"),
    "people": _("People or rights unclear"),
    "duplicate": _("Too much like another"),
    "other": _("Other"),
}


class Review(Frozen):
    """What a person decided, bound to the bytes and the kit that were seen."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="reviews")
    decision = models.CharField(max_length=8, choices=list(DECISIONS.items()))
    reason = models.CharField(max_length=20, blank=True, choices=list(REJECT_REASONS.items()))
    note = models.TextField(blank=True)
    #: Where the change is wanted: [left, top, width, height] as fractions of the picture; None is anywhere.
    region = models.JSONField(null=True, blank=True)
    #: Keys of :data:`DECLARATION` that the approver signed.
    declaration = models.JSONField(default=list, blank=True)
    #: True where a manager approved over a blocking verdict; the note says why.
    override = models.BooleanField(default=False)
    sha256 = models.CharField(max_length=64)
    revision = models.ForeignKey(BrandRevision, models.PROTECT, null=True, related_name="+")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    reviewer_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = [models.CheckConstraint(condition=Q(decision__in=list(DECISIONS)), name="studio_review_decision")]
        verbose_name = _("review")
        verbose_name_plural = _("reviews")

    def __str__(self) -> str:
        return f"{self.get_decision_display()} ({self.reviewer_label})"
