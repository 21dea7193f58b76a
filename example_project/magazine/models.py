"""An article with a picture: the plainest way to use the studio from a site's own model."""

from django.db import models
from django.urls import reverse

from image_studio.fields import AssetForeignKey

LOCALES = {"en": "English", "ar": "العربية"}
RIGHT_TO_LEFT = frozenset({"ar"})


class Article(models.Model):
    """A page of the magazine. A picture that it uses cannot be deleted; one that is withdrawn is no longer shown."""

    title = models.CharField(max_length=200)
    slug = models.SlugField(unique=True)
    kicker = models.CharField(max_length=60, blank=True)
    standfirst = models.TextField(blank=True)
    body = models.TextField(blank=True, help_text="Paragraphs, divided by an empty line.")
    locale = models.CharField(max_length=10, choices=list(LOCALES.items()), default="en")
    picture = AssetForeignKey(null=True, blank=True)
    #: The same story for cards: a picture cut for that shape, not the hero squeezed into it.
    card = AssetForeignKey(null=True, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("magazine:article", args=[self.slug])

    @property
    def direction(self) -> str:
        return "rtl" if self.locale in RIGHT_TO_LEFT else "ltr"

    @property
    def paragraphs(self) -> list[str]:
        return [text.strip() for text in self.body.split("\n\n") if text.strip()]
