"""Two pages: the front and the article."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from magazine.models import Article


def home(request: HttpRequest) -> HttpResponse:
    """The first article large, the others as cards; one query for the articles and their pictures."""
    lead, *others = [*Article.objects.select_related("picture", "card")] or [None]
    return render(request, "magazine/home.html", {"lead": lead, "others": others})


def article(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Article.objects.select_related("picture"), slug=slug)
    return render(request, "magazine/article.html", {"article": found})
