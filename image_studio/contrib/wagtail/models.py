"""What the studio remembers of Wagtail: which image shows which picture, and which pages have it in a StreamField."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from image_studio.models import Asset

#: Where an object can have a picture: what is public, a row that is not live, the newest draft beside either.
SIDES = {"live": _("live"), "hidden": _("not live"), "draft": _("draft")}


class StudioImage(models.Model):
    """A picture and the image of the site that shows it: one image a picture, however often it is promoted.

    Only a picture that took the place of another has two: its own and the other's, which pages show.

    The image is named, not pointed at: the site's image model is a setting, which a migration must not depend on.
    """

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+", verbose_name=_("picture"))
    #: Of the image's model, as ``_meta.label_lower`` has it.
    image_model = models.CharField(max_length=200)
    image_id = models.CharField(max_length=64)
    title = models.CharField(_("title"), max_length=255, blank=True)
    #: The sum of the file that was written last: a file with another is an editor's, and stays.
    sha1 = models.CharField(max_length=40, default="", editable=False)
    #: When the fallback took its place; None while the image shows the picture.
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    #: Wagtail's own index would count the link as a use of the picture.
    wagtail_reference_index_ignore = True
    objects: ClassVar[models.Manager[StudioImage]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["image_model", "image_id"], name="studio_wagtail_image"),
        ]
        verbose_name = _("Wagtail image")
        verbose_name_plural = _("Wagtail images")

    def __str__(self) -> str:
        return self.title or self.image_id

    def get_absolute_url(self) -> str:
        """Where the image is used; empty where Wagtail's admin is not mounted."""
        return _reversed("wagtailimages:image_usage", self.image_id)


class StudioPageUse(models.Model):
    """A picture in the StreamField of a page, a snippet or any other model: PROTECT keeps it there.

    Written when the object or its newest draft is saved: the sides of an object are told apart, so that a draft that
    drops a picture lets go of it only once it is published.
    """

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+", verbose_name=_("picture"))
    content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
    object_id = models.CharField(max_length=255)
    title = models.CharField(_("title"), max_length=255, blank=True)
    side = models.CharField(max_length=8, choices=list(SIDES.items()))

    wagtail_reference_index_ignore = True
    objects: ClassVar[models.Manager[StudioPageUse]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content_type", "object_id", "asset", "side"], name="studio_wagtail_page_use"
            ),
        ]
        verbose_name = _("Wagtail content")
        verbose_name_plural = _("Wagtail content")

    def __str__(self) -> str:
        return self.title or self.object_id

    def get_absolute_url(self) -> str:
        """Where it is edited; empty where nobody knows."""
        model: Any = self.content_type.model_class()
        if model is None:
            return ""
        if hasattr(model, "get_admin_display_title"):
            return _reversed("wagtailadmin_pages:edit", self.object_id)
        viewset = getattr(model, "snippet_viewset", None)
        return _reversed(viewset.get_url_name("edit"), self.object_id) if viewset else ""


def _reversed(name: str, key: str) -> str:
    try:
        return reverse(name, args=[key])
    except NoReverseMatch:
        return ""
