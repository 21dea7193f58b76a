"""Two pages: the front and the article."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from magazine.models import Article


def home(request: HttpRequest) -> HttpResponse:
    """The first article large, the others as cards; three queries, however many there are."""
    lead, *others = [*_articles("picture", "card")] or [None]
    return render(request, "magazine/home.html", {"lead": lead, "others": others})


def article(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(_articles("picture"), slug=slug)
    return render(request, "magazine/article.html", {"article": found})


def _articles(*pictures: str) -> QuerySet[Article]:
    """Articles with their pictures and the files of these, which the template tag reads."""
    files = (f"{name}__renditions" for name in pictures)
    return Article.objects.select_related(*pictures).prefetch_related(*files)
