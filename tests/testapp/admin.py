"""The site's admin: articles narrowed to the person's brands, events not."""

from django.contrib import admin

from image_studio.fields.forms import OwnPictures
from tests.testapp.models import Article, Event, Slide


class SlideInline(OwnPictures, admin.TabularInline):
    model = Slide
    extra = 1


@admin.register(Article)
class ArticleAdmin(OwnPictures, admin.ModelAdmin):
    inlines = (SlideInline,)


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    pass
