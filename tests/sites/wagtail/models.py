"""Pages with pictures in every way that Wagtail knows, and an image model that wants more than Wagtail's."""

from django.db import models
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, InlinePanel
from wagtail.blocks import CharBlock, ListBlock, StructBlock
from wagtail.fields import StreamField
from wagtail.images import get_image_model_string
from wagtail.images.blocks import ImageBlock
from wagtail.images.models import AbstractImage, AbstractRendition
from wagtail.models import Orderable, Page
from wagtail.snippets.models import register_snippet

from image_studio.contrib.wagtail.blocks import StudioPictureBlock, StudioPictureChooserBlock
from image_studio.fields import AssetForeignKey


class CardBlock(StructBlock):
    """A picture two blocks deep."""

    title = CharBlock(required=False)
    pictures = ListBlock(StudioPictureChooserBlock(required=False))


class ArticlePage(Page):
    body = StreamField(
        [
            ("picture", StudioPictureBlock(name="hero")),
            ("acme", StudioPictureBlock(brand="acme")),
            ("image", ImageBlock()),
            ("card", CardBlock()),
        ],
        blank=True,
    )
    teaser = models.ForeignKey(get_image_model_string(), models.SET_NULL, null=True, blank=True, related_name="+")
    content_panels = [*Page.content_panels, FieldPanel("body"), FieldPanel("teaser")]
    template = "article.html"


class LeadPage(Page):
    """Pictures in fields: the page's own, and those of rows that are edited inside it."""

    picture = AssetForeignKey(null=True, blank=True)
    acme = AssetForeignKey(null=True, blank=True, brand="acme")
    content_panels = [*Page.content_panels, FieldPanel("picture"), FieldPanel("acme"), InlinePanel("slides")]
    template = "article.html"


class Slide(Orderable):
    page = ParentalKey(LeadPage, on_delete=models.CASCADE, related_name="slides")
    picture = AssetForeignKey(null=True, blank=True)
    body = StreamField([("picture", StudioPictureBlock())], blank=True)


@register_snippet
class Badge(models.Model):
    """A snippet that is live as soon as it is saved, with a picture in a field and others in a StreamField."""

    title = models.CharField(max_length=50)
    picture = AssetForeignKey(null=True, blank=True)
    body = StreamField([("picture", StudioPictureBlock())], blank=True)

    def __str__(self) -> str:
        return self.title


class HousePhoto(AbstractImage):
    """An image model as sites have them: a field that must be filled, and one of ours by name."""

    credit = models.CharField(max_length=100)
    rights_owner = models.CharField(max_length=100, blank=True)
    desk = models.CharField(max_length=20)
    admin_form_fields = ("title", "file", "description", "collection", "tags", "credit", "desk")


class HouseRendition(AbstractRendition):
    image = models.ForeignKey(HousePhoto, models.CASCADE, related_name="renditions")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=("image", "filter_spec", "focal_point_key"), name="house_rendition")
        ]


def fill(image, asset):
    """``FILL_IMAGE``: what the house wants to know of every image."""
    image.desk = f"studio {asset.brand.slug}"
