"""The brand, its frozen revisions, who may do what in it, and the channels."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from image_studio.brand.kit import SLUG, Kit, KitFiles
from image_studio.catalog.specs import ChannelSpec
from image_studio.models.base import Frozen, uuid7
from image_studio.storage import private, read

ROLES = {"viewer": _("Viewer"), "creator": _("Creator"), "reviewer": _("Reviewer"), "manager": _("Brand manager")}
slug_ok = RegexValidator(SLUG, _("Use small letters, digits, hyphens and underscores."))


class Brand(models.Model):
    """A brand: the access boundary. What it looks like stands in its current revision."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_ok])
    name = models.CharField(_("name"), max_length=200)
    revision = models.ForeignKey(
        "BrandRevision", models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("brand")
        verbose_name_plural = _("brands")

    def __str__(self) -> str:
        return self.name

    @property
    def kit(self) -> Kit:
        """The current kit; an empty one for a brand without a revision."""
        return self.revision.kit if self.revision else Kit(name=self.name, slug=self.slug)


class BrandRevision(Frozen):
    """A kit as it was at one moment. Jobs and verdicts point here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.ForeignKey(Brand, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.JSONField()
    #: sha256 -> name in private storage.
    files = models.JSONField(default=dict)
    note = models.CharField(max_length=200, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = [models.UniqueConstraint(fields=["brand", "number"], name="studio_revision_number")]
        verbose_name = _("brand revision")
        verbose_name_plural = _("brand revisions")

    def __str__(self) -> str:
        return f"{self.brand.slug} r{self.number}"

    @property
    def kit(self) -> Kit:
        """The kit as frozen values."""
        if not hasattr(self, "_kit"):
            self._kit = Kit.from_dict(self.content)
        return self._kit

    def load_files(self) -> KitFiles:
        """The bytes of the kit's logos and fonts.

        :raises StorageFailed: when a file is missing or its sum is wrong.
        """
        store = private()
        return KitFiles(by_sum={sha256: read(store, name, sha256) for sha256, name in self.files.items()})


class BrandMembership(models.Model):
    """A user's or a group's right in a brand.

    ``own_only`` is for end users: they see and touch only pictures they made themselves.
    """

    brand = models.ForeignKey(Brand, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="studio_memberships"
    )
    group = models.ForeignKey("auth.Group", models.CASCADE, null=True, blank=True, related_name="studio_memberships")
    role = models.CharField(_("role"), max_length=10, choices=list(ROLES.items()), default="viewer")
    own_only = models.BooleanField(_("own pictures only"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["brand", "user"], name="studio_member_user"),
            models.UniqueConstraint(fields=["brand", "group"], name="studio_member_group"),
            models.CheckConstraint(condition=models.Q(role__in=list(ROLES)), name="studio_member_role"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=True, group__isnull=False)
                | models.Q(user__isnull=False, group__isnull=True),
                name="studio_member_one",
            ),
        ]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.role}"


fraction = [MinValueValidator(0.0), MaxValueValidator(0.9)]


class Channel(models.Model):
    """Where a picture goes. Loaded once from the catalog by ``studio_setup``, then the site's to edit."""

    slug = models.CharField(_("slug"), max_length=64, unique=True, validators=[slug_ok])
    name = models.CharField(_("name"), max_length=100)
    width = models.PositiveIntegerField(_("width"), validators=[MinValueValidator(64), MaxValueValidator(4096)])
    height = models.PositiveIntegerField(_("height"), validators=[MinValueValidator(64), MaxValueValidator(4096)])
    safe_top = models.FloatField(_("top"), default=0.0, validators=fraction)
    safe_right = models.FloatField(_("right"), default=0.0, validators=fraction)
    safe_bottom = models.FloatField(_("bottom"), default=0.0, validators=fraction)
    safe_left = models.FloatField(_("left"), default=0.0, validators=fraction)
    max_bytes = models.PositiveIntegerField(_("weight limit"), default=0, help_text=_("In bytes; 0 is none."))
    format = models.CharField(
        _("format"), max_length=4, default="jpeg", choices=[("jpeg", "JPEG"), ("webp", "WebP"), ("png", "PNG")]
    )
    as_of = models.DateField(_("as of"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("slug",)
        verbose_name = _("channel")
        verbose_name_plural = _("channels")

    def __str__(self) -> str:
        return self.name

    @property
    def spec(self) -> ChannelSpec:
        """The channel as a frozen value for the layers below."""
        return ChannelSpec(
            slug=self.slug,
            name=self.name,
            width=self.width,
            height=self.height,
            safe=(self.safe_top, self.safe_right, self.safe_bottom, self.safe_left),
            max_bytes=self.max_bytes,
            formats=(self.format,),
            as_of=self.as_of,
            source=self.source,
        )

    @classmethod
    def values_of(cls, spec: ChannelSpec) -> dict[str, Any]:
        """The column values of a catalog row."""
        top, right, bottom, left = spec.safe
        return {
            "name": spec.name,
            "width": spec.width,
            "height": spec.height,
            "safe_top": top,
            "safe_right": right,
            "safe_bottom": bottom,
            "safe_left": left,
            "max_bytes": spec.max_bytes,
            "format": spec.formats[0],
            "as_of": spec.as_of,
            "source": spec.source,
        }
