"""What a site's own apps do with filer's images: a teaser, a shelf of several, and a plugin that shows thumbnails."""

from cms.models import CMSPlugin
from django.db import models
from filer.fields.image import FilerImageField
from filer.models import Image


class Teaser(models.Model):
    """As a site's own apps have it: the image may go, the teaser stays."""

    image = FilerImageField(on_delete=models.SET_NULL, null=True)

    def __str__(self) -> str:
        return f"Teaser {self.pk}"


class Shelf(models.Model):
    title = models.CharField(max_length=50)
    images = models.ManyToManyField(Image)

    def __str__(self) -> str:
        return self.title


class TeaserPicture(CMSPlugin):
    """A plugin of somebody else's, which has never heard of the studio."""

    image = FilerImageField(on_delete=models.CASCADE, related_name="+")
