"""Which filer image shows which picture."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from image_studio.models import Asset


class FiledPicture(models.Model):
    """A filer image that shows a picture. One of each picture is ours; copies are an editor's.

    It counts as a use of the picture, and PROTECT holds that. It has no ``is_studio_use``: an UPDATE that gave it to a
    successor would leave the file as it was, so the app tells of it and follows by itself.

    Withdrawing reaches every copy of the bytes, and so remembers whom to give the picture back to.
    """

    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+", verbose_name=_("picture"))
    #: 0 is the one that publishing makes; an editor's copies count up from 1, and images of pictures that it replaced.
    place = models.PositiveIntegerField(default=0, editable=False)
    #: None once it was deleted: by an editor, or because the picture was withdrawn.
    file = models.OneToOneField(
        "filer.File", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("file")
    )
    #: The words that were written last, by field: what an editor changed since is theirs, and stays.
    written = models.JSONField(default=dict, editable=False)
    #: The sum of the file that was written last: a file with another is an editor's, and stays.
    sha1 = models.CharField(max_length=40, default="", editable=False)
    #: When its file stopped to be the picture's; None while it shows the picture.
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[FiledPicture]] = models.Manager()

    class Meta:
        ordering = ("asset", "place")
        constraints = [models.UniqueConstraint(fields=["asset", "place"], name="studio_filed_place")]
        verbose_name = _("filed picture")
        verbose_name_plural = _("filed pictures")

    def __str__(self) -> str:
        """What names this use where the uses of a picture are listed."""
        if self.file is None:
            return gettext("deleted from filer")
        return "/".join(str(part) for part in (*_folders(self.file), self.file.label))

    def get_absolute_url(self) -> str:
        """Where the image is edited in filer; empty once it is gone."""
        return str(self.image.get_admin_change_url()) if self.file is not None else ""

    @property
    def holds(self) -> bool:
        """Whether the file is the one that we wrote. One that filer has no sum of is taken for it: what was withdrawn
        must go."""
        return self.file is not None and self.file.sha1 in ("", self.sha1)

    def let_go(self) -> None:
        """The image is an editor's from now on, or gone. Only the first link has a place without it."""
        self.file = None
        if self.place:
            self.delete()
        else:
            self.save(update_fields=["file"])

    @property
    def image(self) -> Any:
        """The file as what it is: an image, with an image's words."""
        file: Any = self.file
        return file.get_real_instance() if file is not None and file.pk else file


def _folders(file: Any) -> list[str]:
    folder = file.folder
    if folder is None:
        return []
    if not hasattr(folder, "studio_path"):  # many files share one folder that was prefetched
        folder.studio_path = [*(one.name for one in folder.logical_path), folder.name]
    return list(folder.studio_path)
