"""The plugin's row: a picture, and how this page shows it."""

from __future__ import annotations

from typing import Any, ClassVar

from cms.models import CMSPlugin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import SET_NULL, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from image_studio.conf import conf
from image_studio.contrib.djangocms.drafts import takes_drafts, waits
from image_studio.fields import AssetForeignKey
from image_studio.fields.forms import thumb_of
from image_studio.states import ASSET

ALIGNMENTS = {
    "left": _("Left, text flows around it"),
    "center": _("Centred"),
    "right": _("Right, text flows around it"),
}
#: Nothing that runs: an address with a scheme of its own, one of this site, or a place on this page.
LINK = RegexValidator(
    r"^(https?://|mailto:|tel:|/(?!/)|#|\?)",
    message=_("Begin with https://, with / for a page of this site, or with mailto: or tel:."),
    code="bad_link",
)
#: The longer side of the picture in structure mode, in CSS pixels.
SMALL = 28


class PlacedPicture(AssetForeignKey):
    """A picture that may not be out yet where the page is a draft: publishing that page asks again."""

    def validate(self, value: Any, model_instance: Any) -> None:
        try:
            super().validate(value, model_instance)
        except ValidationError as error:
            asset = self._given(model_instance, value) if error.code == "usage.not_published" else None
            if asset is None or not (waits(asset) and takes_drafts(model_instance.placeholder)):
                raise


class StudioPictureManager(models.Manager["StudioPicture"]):
    """Rows with all that a page shows of them: django CMS asks ``objects`` for a page's plugins, and nothing else."""

    def get_queryset(self) -> QuerySet[StudioPicture]:
        rows = super().get_queryset().select_related("picture__brand", "link_page")
        return rows.prefetch_related("picture__renditions", "link_page__urls")


class StudioPicture(CMSPlugin):
    """A picture of the studio on a page. Copies of a page keep it, and count as uses of it."""

    #: The picture is what a version of a page is about: copying a plugin copies the key.
    picture = PlacedPicture(verbose_name=_("picture"))
    channel = models.ForeignKey(
        "image_studio.Channel",
        SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("channel"),
        help_text=_("Offers only pictures that were made for this place."),
    )
    use = models.CharField(_("width"), max_length=64, default="default")
    alt = models.CharField(
        _("alt text"),
        max_length=1000,
        blank=True,
        help_text=_("Words for this page alone; empty takes the picture's own."),
    )
    decorative = models.BooleanField(
        _("decorative"),
        default=False,
        help_text=_("The picture says nothing that the text does not say: screen readers skip it."),
    )
    alignment = models.CharField(_("alignment"), max_length=8, blank=True, choices=list(ALIGNMENTS.items()))
    link_page = models.ForeignKey(
        "cms.Page", SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("link to a page")
    )
    link_url = models.CharField(_("link to an address"), max_length=500, blank=True, validators=[LINK])

    objects = StudioPictureManager()

    search_fields: ClassVar[list[str]] = ["alt"]

    class Meta:
        verbose_name = _("Studio picture")
        verbose_name_plural = _("Studio pictures")

    def __str__(self) -> str:
        """What names this use where the uses of a picture are listed."""
        source = self.placeholder.source if self.placeholder_id else None
        if source is None or self.placeholder.slot == "clipboard":
            return gettext("{picture}, on the clipboard").format(picture=self.picture)
        version = source.versions.first() if hasattr(source, "versions") else None
        return f"{source}, {version.short_name()}" if version is not None else str(source)

    def clean(self) -> None:
        """:raises ValidationError: where two places are linked at once."""
        if self.link_page_id and self.link_url:
            raise ValidationError({"link_url": gettext("Link to a page or to an address, not to both.")})

    def get_absolute_url(self) -> str:
        """Of the page that it stands on; empty where that has none."""
        source: Any = self.placeholder.source if self.placeholder_id else None
        own = getattr(source, "get_absolute_url", None)
        try:
            return str(own() or "") if own else ""
        except NoReverseMatch:
            return ""

    def get_short_description(self) -> SafeString:
        """Structure mode's line: the picture, small, its name, and its state where it is not out."""
        asset = self.picture
        found = thumb_of(asset, None)
        src = found[0] if found else reverse("admin:image_studio_asset_picture", args=[asset.pk, "preview"])
        scale = SMALL / max(asset.size)
        size = [round(side * scale) or 1 for side in asset.size]
        state = "" if asset.state == "published" and not asset.expired else f" ({self.state_words})"
        image = '<img src="{}" width="{}" height="{}" alt="" loading="lazy" class="studio-structure"> {}{}'
        return format_html(image, src, *size, asset, state)

    @property
    def state_words(self) -> str:
        return gettext("Rights ended") if self.picture.expired else str(ASSET.labels[self.picture.state])

    @property
    def link(self) -> str:
        if self.link_page is not None:
            return str(self.link_page.get_absolute_url(language=self.language) or "")
        return self.link_url

    @property
    def use_now(self) -> str:
        """A width that the site has: one that it took out of its settings must not break its pages."""
        return self.use if self.use in conf().pictures else "default"

    @property
    def own_alt(self) -> str | None:
        """The words of this page; None takes the picture's."""
        return "" if self.decorative else self.alt or None

    @property
    def studio_words(self) -> str:
        """For who replaces the picture: these words were written for it, and stay."""
        return self.own_alt or ""
