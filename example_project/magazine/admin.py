"""Articles in the admin."""

from django.contrib import admin

from image_studio.fields.forms import OwnPictures
from magazine.models import Article


@admin.register(Article)
class ArticleAdmin(OwnPictures, admin.ModelAdmin):
    list_display = ("title", "locale", "position", "picture")
    list_select_related = ("picture",)
    prepopulated_fields = {"slug": ("title",)}
