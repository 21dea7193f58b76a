"""The front, the article, and pages of files that only talk to the studio's API."""

from pathlib import Path

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from magazine.models import Article

FILES = Path(__file__).parent / "static" / "magazine"
#: The page's own files and the API, and pictures that the page fetched itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def home(request: HttpRequest) -> HttpResponse:
    """The first article large, the others as cards; three queries, however many there are."""
    lead, *others = [*_articles("picture", "card")] or [None]
    return render(request, "magazine/home.html", {"lead": lead, "others": others})


def article(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(_articles("picture"), slug=slug)
    return render(request, "magazine/article.html", {"article": found})


@require_safe
def frontend(_request: HttpRequest, page: str = "studio.html") -> HttpResponse:
    """The file as it stands; whatever it shows comes over REST."""
    return HttpResponse((FILES / page).read_bytes(), headers={"Content-Security-Policy": POLICY})


def _articles(*pictures: str) -> QuerySet[Article]:
    """Articles with their pictures and the files of these, which the template tag reads."""
    files = (f"{name}__renditions" for name in pictures)
    return Article.objects.select_related(*pictures).prefetch_related(*files)
