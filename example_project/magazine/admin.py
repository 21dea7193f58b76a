"""Articles in the admin."""

from django.contrib import admin

from magazine.models import Article


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    list_display = ("title", "locale", "position", "picture")
    list_select_related = ("picture",)
    prepopulated_fields = {"slug": ("title",)}
