"""``{% studio_picture %}`` and ``{% studio_image_url %}``: what the public sees, and what only the team does."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import timezone, translation

from image_studio.conf import ConfigurationError
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import approve_and_publish, withdraw
from tests import factories

pytestmark = pytest.mark.django_db
CANARY = '"><img src=x onerror=alert(1)>'


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {
        "DOORBELL": "poll",
        "PIXEL_THREADS": 1,
        "PICTURES": {
            "hero": {"widths": [80, 160], "sizes": "(min-width: 60em) 50vw, 100vw"},
            "card": {"widths": [40]},
        },
    }


@pytest.fixture
def asset():
    return factories.make_asset(factories.make_brand(), (320, 240), alt={"en": "A bottle", "ar": "زجاجة"})


@pytest.fixture
def live(asset):
    job = approve_and_publish(Policy.operator(), asset, declaration=factories.DECLARED)
    drain(job_ids=[job.pk])
    asset.refresh_from_db()
    assert asset.state == "published"
    return asset


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def render(source, request=None, **context):
    return Template("{% load image_studio %}" + source).render(Context({**context, "request": request}))


def request_of(user=None):
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    return request


def test_a_published_picture_has_sources_and_a_fallback(live):
    html = render('{% studio_picture asset "hero" %}', asset=live)
    tags = Tags(html)
    assert [attrs["type"] for attrs in tags.all("source")] == ["image/avif", "image/webp"]
    for attrs in tags.all("source"):
        assert [part.split()[1] for part in attrs["srcset"].split(", ")] == ["80w", "160w"]
        assert attrs["sizes"] == "(min-width: 60em) 50vw, 100vw"
    (img,) = tags.all("img")
    assert img["src"].endswith(".jpg")
    assert (img["width"], img["height"], img["loading"], img["decoding"]) == ("160", "120", "lazy", "async")
    assert img["alt"] == "A bottle"
    assert "style" not in html


def test_every_address_in_it_is_a_public_file(live):
    public = {row.file for row in live.renditions.filter(public=True)}
    private = {row.file for row in live.renditions.filter(public=False)} | {live.file}
    html = render('{% studio_picture asset "hero" %}', asset=live)
    shown = {part.split()[0] for attrs in Tags(html).all("source") for part in attrs["srcset"].split(", ")}
    assert {url.removeprefix("/media/") for url in shown} <= public
    assert not any(name in html for name in private)


def test_a_use_takes_its_own_widths(live):
    (img,) = Tags(render('{% studio_picture asset "card" %}', asset=live)).all("img")
    assert img["srcset"].endswith("40w")
    assert img["width"] == "40"


def test_a_picture_narrower_than_its_use_is_shown_as_wide_as_it_is():
    small = factories.make_asset(factories.make_brand(), (120, 90))
    job = approve_and_publish(Policy.operator(), small, declaration=factories.DECLARED)
    drain(job_ids=[job.pk])
    (img,) = Tags(render('{% studio_picture asset "hero" %}', asset=Asset.objects.get(pk=small.pk))).all("img")
    assert [part.split()[1] for part in img["srcset"].split(", ")] == ["80w", "120w"]


def test_the_alt_text_follows_the_page(live):
    with translation.override("ar"):
        assert Tags(render("{% studio_picture asset %}", asset=live)).all("img")[0]["alt"] == "زجاجة"
    assert Tags(render('{% studio_picture asset alt="" %}', asset=live)).all("img")[0]["alt"] == ""


def test_options_are_attributes_and_escaped(live):
    html = render(
        "{% studio_picture asset 'hero' alt=bad class=bad loading='eager' sizes=bad %}", asset=live, bad=CANARY
    )
    (img,) = Tags(html).all("img")
    assert (img["alt"], img["class"], img["sizes"], img["loading"]) == (CANARY, CANARY, CANARY, "eager")
    assert "<img src=x" not in html


def test_words_of_the_asset_are_escaped(live):
    Asset.objects.filter(pk=live.pk).update(alt={"en": CANARY})
    assert "<img src=x" not in render("{% studio_picture asset %}", asset=Asset.objects.get(pk=live.pk))


def test_an_id_will_do(live):
    assert render("{% studio_picture pk %}", pk=live.pk) == render("{% studio_picture asset %}", asset=live)
    assert render("{% studio_picture pk %}", pk=str(live.pk)) == render("{% studio_picture asset %}", asset=live)


@pytest.mark.parametrize("given", [None, "", "nonsense", "00000000-0000-7000-8000-000000000000", 7])
def test_what_is_no_picture_is_nothing(given):
    assert render("{% studio_picture asset %}|{% studio_image_url asset %}", asset=given) == "|"


def test_one_query_without_a_prefetch_and_none_with(live, django_assert_num_queries):
    loaded = Asset.objects.get(pk=live.pk)
    with django_assert_num_queries(1):
        render('{% studio_picture asset "hero" %}', asset=loaded)
    loaded = Asset.objects.prefetch_related("renditions").get(pk=live.pk)
    with django_assert_num_queries(0):
        render('{% studio_picture asset "hero" %}', asset=loaded)


@pytest.mark.parametrize("state", ["candidate", "approved", "rejected", "withdrawn"])
def test_the_public_sees_only_what_is_published(live, state):
    Asset.objects.filter(pk=live.pk).update(state=state)
    hidden = Asset.objects.get(pk=live.pk)
    for user in (None, factories.make_user(), factories.make_user(is_staff=True)):
        assert render("{% studio_picture asset %}{% studio_image_url asset %}", request_of(user), asset=hidden) == ""
    assert render("{% studio_picture asset %}", asset=hidden) == ""


def test_ended_rights_end_the_picture(live):
    Asset.objects.filter(pk=live.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    hidden = Asset.objects.get(pk=live.pk)
    assert render("{% studio_picture asset %}{% studio_image_url asset %}", request_of(), asset=hidden) == ""


def test_a_withdrawn_picture_is_gone(live, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        withdraw(Policy.operator(), live)
    assert render("{% studio_picture asset %}", asset=Asset.objects.get(pk=live.pk)) == ""


def test_the_team_sees_a_draft_through_the_checked_view(asset):
    member = factories.make_user("viewer", brand=asset.brand, is_staff=True)
    html = render("{% studio_picture asset class='wide' %}", request_of(member), asset=asset)
    (img,) = Tags(html).all("img")
    assert img["src"] == f"/studio/picture/{asset.pk}/preview/"
    assert (img["width"], img["height"], img["class"], img["alt"]) == ("320", "240", "wide", "A bottle")
    outsider = factories.make_user("viewer", brand=factories.make_brand(), is_staff=True)
    assert render("{% studio_picture asset %}", request_of(outsider), asset=asset) == ""
    visitor = factories.make_user("viewer", brand=asset.brand)
    assert render("{% studio_picture asset %}", request_of(visitor), asset=asset) == ""


def test_mistakes_of_the_template_are_named(live):
    with pytest.raises(TemplateSyntaxError, match="style"):
        render("{% studio_picture asset style='x' %}", asset=live)
    with pytest.raises(ConfigurationError, match="her0"):
        render("{% studio_picture asset 'her0' %}", asset=live)


def test_the_image_url_is_absolute_and_widely_readable(live):
    url = render("{% studio_image_url asset width=100 %}", request_of(), asset=live)
    assert url.startswith("http://testserver/media/")
    assert url.endswith(".jpg")
    widest = render("{% studio_image_url asset %}", request_of(), asset=live)
    assert live.renditions.get(file=url.removeprefix("http://testserver/media/")).width == 160
    assert live.renditions.get(file=widest.removeprefix("http://testserver/media/")).width == 320
