"""Models of a site that take pictures: plainly, narrowed, and in rows of an inline."""

from django.db import models

from image_studio.fields import AssetForeignKey


class Article(models.Model):
    """A page with an address of its own."""

    title = models.CharField(max_length=100)
    picture = AssetForeignKey(null=True, blank=True)
    card = AssetForeignKey(null=True, blank=True, brand="acme", channel="square")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/articles/{self.pk}/"


class Slide(models.Model):
    """A row of an article; it has neither a page nor a change form."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="slides")
    picture = AssetForeignKey()

    def __str__(self) -> str:
        return f"slide {self.pk}"


class Photo(models.Model):
    """What a site had before the studio: files of its own, with words beside them."""

    image = models.ImageField(upload_to="photos", blank=True)
    leaflet = models.FileField(upload_to="leaflets", null=True, blank=True)
    alt_text = models.CharField(max_length=200, blank=True)
    words = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"photo {self.pk}"


class Print(Photo):
    """A photo that can be bought: its files stand in the parent's table, its words in its own."""

    image_alt = models.CharField(max_length=200, blank=True)


class Banner(models.Model):
    """Its file is measured by Django, and two columns keep what it found."""

    image = models.ImageField(upload_to="banners", width_field="width", height_field="height")
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return f"banner {self.pk}"


class Event(models.Model):
    """A thing that is edited in the admin and shown nowhere, and one made of it."""

    name = models.CharField(max_length=100)
    poster = AssetForeignKey(null=True, blank=True, related_name="events")

    def __str__(self) -> str:
        return self.name


class Concert(Event):
    """Its poster stands in the parent's table."""

    hall = models.CharField(max_length=100)
