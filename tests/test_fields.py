"""``AssetForeignKey``: what it takes, keeps and refuses, in models, migrations, forms and checks."""

from __future__ import annotations

import copy
import uuid
from contextlib import nullcontext
from datetime import timedelta

import pytest
from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.db.models import ProtectedError
from django.template import Context, Template
from django.test.utils import isolate_apps
from django.utils import timezone

from image_studio import signals
from image_studio.checks import check_field
from image_studio.fields import AssetForeignKey
from image_studio.fields.forms import NEWEST, AssetField
from image_studio.models import Asset
from image_studio.policy import Policy
from tests import factories
from tests.admin.browser import Page
from tests.testapp.models import Article, Concert, Event

SIZE = (64, 48)


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1}


@pytest.fixture
def brand(db):
    return factories.make_bare_brand("acme")


@pytest.fixture
def live(brand):
    return make_live(brand)


def make_live(brand, **fields):
    return factories.make_asset(brand, SIZE, **{"state": "published", **fields})


def put(asset, **fields):
    """Something became of a picture."""
    Asset.objects.filter(pk=asset.pk).update(**fields)
    return Asset.objects.get(pk=asset.pk)


def past():
    return timezone.now() - timedelta(seconds=1)


class ArticleForm(forms.ModelForm):
    """A form of the site, made once when the site starts."""

    class Meta:
        model = Article
        fields = ("title", "picture", "card")


def form_of(instance=None, **data):
    values = {"title": "Tea", "picture": "", "card": "", **data}
    return ArticleForm({key: str(value) for key, value in values.items()}, instance=instance)


def codes(form, field="picture"):
    return [error.code for error in form.errors.as_data().get(field, [])]


# The field ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"on_delete": models.CASCADE}, "PROTECT"),
        ({"on_delete": models.SET_NULL}, "PROTECT"),
        ({"to": "auth.User"}, "always points"),
        ({"to_field": "sha256"}, "always points"),
        ({"limit_choices_to": {"kind": "raw"}}, "brand= and channel="),
        ({"parent_link": True}, "parent"),
        ({"bramd": "acme"}, "bramd"),
    ],
)
def test_what_is_fixed_cannot_be_told_otherwise(given, why):
    with pytest.raises(TypeError, match=why):
        AssetForeignKey(**given)


def test_a_target_cannot_be_given_by_place():
    with pytest.raises(TypeError, match="keywords"):
        AssetForeignKey("auth.User")


def test_protect_may_be_said():
    assert AssetForeignKey(on_delete=models.PROTECT).remote_field.on_delete is models.PROTECT


@pytest.mark.parametrize(
    "given",
    [{}, {"null": True, "blank": True}, {"brand": "acme", "channel": "square"}, {"related_name": "pages"}],
    ids=str,
)
def test_a_migration_says_what_was_said_and_no_more(given):
    field = AssetForeignKey(**given)
    field.set_attributes_from_name("picture")
    name, path, args, kwargs = field.deconstruct()
    assert (name, path, args, kwargs) == ("picture", "image_studio.fields.AssetForeignKey", [], given)
    again = AssetForeignKey(*args, **kwargs)
    again.set_attributes_from_name("picture")
    assert again.deconstruct() == (name, path, args, kwargs)
    text, imports = MigrationWriter.serialize(field)
    assert text.startswith("image_studio.fields.AssetForeignKey(")
    assert imports == {"import image_studio.fields"}


@pytest.mark.django_db
def test_the_migrations_of_a_site_are_complete():
    call_command("makemigrations", "testapp", check=True, dry_run=True, verbosity=0)


def test_a_used_picture_cannot_be_deleted(live):
    article = Article.objects.create(title="Tea", picture=live)
    with pytest.raises(ProtectedError):
        live.delete()
    article.delete()
    live.delete()
    assert not Asset.objects.filter(pk=live.pk).exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"state": "candidate"}, "usage.not_published"),
        ({"state": "approved"}, "usage.not_published"),
        ({"state": "withdrawn"}, "usage.withdrawn"),
        ({"expires_at": past()}, "usage.expired"),
    ],
)
def test_only_what_is_live_may_be_chosen(live, fields, code):
    put(live, **fields)
    with pytest.raises(ValidationError) as caught:
        Article(title="Tea", picture_id=live.pk).full_clean()
    assert [error.code for error in caught.value.error_dict["picture"]] == [code]


def test_a_withdrawn_picture_stays_where_it_was(live):
    article = Article.objects.create(title="Tea", picture=live)
    put(live, state="withdrawn")
    for kept in (Article.objects.get(), article, Article.objects.defer("picture").get()):
        kept.full_clean()
    other = Article(title="More tea", picture_id=live.pk)
    with pytest.raises(ValidationError, match="withdrawn"):
        other.full_clean()


@pytest.mark.parametrize(
    ("answer", "field", "refused"), [(True, "picture", False), (True, "card", True), (1, "picture", True)]
)
def test_what_an_app_keeps_in_a_draft_may_stay_if_it_fits(live, answer, field, refused):
    live = put(live, state="withdrawn")
    row = Article.objects.create(title="Live")
    setattr(row, field, live)

    def kept(sender, instance, asset, **_more):
        assert (sender, instance, asset) == (Article, row, live)
        return answer

    signals.asset_kept_wanted.connect(kept)
    try:
        with pytest.raises(ValidationError) if refused else nullcontext():
            row.full_clean()
    finally:
        signals.asset_kept_wanted.disconnect(kept)


def test_the_page_shows_nothing_of_a_withdrawn_picture(live):
    article = Article.objects.create(title="Tea", picture=put(live, state="withdrawn"))
    page = Template(
        "{% load image_studio %}{% studio_picture article.picture as it %}{% if it %}frame{% endif %}|{{ it }}"
    )
    assert page.render(Context({"article": article})) == "|"
    assert page.render(Context({"article": Article(title="None")})) == "|"


# Being taken --------------------------------------------------------------------------------------------------------


def taken(asset, act, capture):
    """Whether an act notes the picture as just used."""
    Asset.objects.filter(pk=asset.pk).update(used_at=None)
    with capture(execute=True):
        act()
    return Asset.objects.get(pk=asset.pk).used_at is not None


def test_a_page_that_takes_a_picture_is_noted(live, brand, django_capture_on_commit_callbacks):
    capture = django_capture_on_commit_callbacks
    article = Article(title="Tea", picture=live)
    assert taken(live, article.save, capture)
    assert not taken(live, article.save, capture)
    loaded = Article.objects.get()
    loaded.title = "Late tea"
    assert not taken(live, loaded.save, capture)
    other = make_live(brand)
    loaded.picture = other
    assert not taken(other, lambda: loaded.save(update_fields=["title"]), capture)
    assert taken(other, loaded.save, capture)
    loaded.picture = None
    assert not taken(other, loaded.save, capture)


def test_many_pages_at_once_and_parents_are_noted_too(live, django_capture_on_commit_callbacks):
    capture = django_capture_on_commit_callbacks
    assert taken(live, lambda: Article.objects.bulk_create([Article(title="A", picture=live)]), capture)
    assert taken(live, lambda: Concert.objects.create(name="Song", hall="Large", poster=live), capture)


def test_a_save_that_is_undone_takes_nothing(live):
    Article.objects.create(title="Tea", picture=live)  # the test's transaction never commits
    assert Asset.objects.get(pk=live.pk).used_at is None


def test_a_copy_of_a_row_knows_for_itself(live, brand, django_capture_on_commit_callbacks):
    article = Article.objects.create(title="Tea", picture=live)
    twin, other = copy.copy(article), make_live(brand)
    twin.picture = other
    twin.save()
    article.picture = other
    assert taken(other, article.save, django_capture_on_commit_callbacks)


def test_a_save_costs_no_query_more(live, django_assert_num_queries):
    Article.objects.create(title="Tea", picture=live)
    article = Article.objects.get()
    with django_assert_num_queries(1):
        article.save()


# Forms --------------------------------------------------------------------------------------------------------------


def test_a_form_takes_a_live_picture(live):
    form = form_of(picture=live.pk)
    assert form.errors == {}
    assert form.save().picture == live


@pytest.mark.parametrize(
    "given", ["nonsense", "7", "01a2b3c4-d5e6-7f80-9a1b-2c3d4e5f6071", "\x00", "'; DROP TABLE", "\ud800"]
)
def test_a_forged_id_is_a_sentence(brand, given):
    form = form_of(picture=given)
    assert codes(form) == ["usage.unknown"]
    assert "Choose one" in str(form.errors)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"state": "candidate"}, "usage.not_published"),
        ({"state": "withdrawn"}, "usage.withdrawn"),
        ({"expires_at": past()}, "usage.expired"),
    ],
)
def test_what_is_not_live_is_refused_in_words(live, fields, code):
    put(live, title="Secret launch", **fields)
    form = form_of(picture=live.pk)
    assert codes(form) == [code]
    if fields.get("state") == "candidate":  # what nobody has seen yet, a made-up id must not show
        assert "Secret launch" not in str(form)


def test_a_narrowed_field_refuses_the_rest(live, brand):
    square, story = factories.make_channels("square", "story")
    fits = make_live(brand, channel=square)
    assert form_of(card=fits.pk).errors == {}
    assert codes(form_of(card=make_live(brand, channel=story).pk), "card") == ["usage.other_channel"]
    assert codes(form_of(card=live.pk), "card") == ["usage.other_channel"]
    foreign = make_live(factories.make_bare_brand(), channel=square)
    assert codes(form_of(card=foreign.pk), "card") == ["usage.other_brand"]
    with pytest.raises(ValidationError, match="brand acme"):
        Article(title="Tea", card=foreign).full_clean()


def test_a_form_keeps_what_was_withdrawn_and_says_so(live):
    article = Article.objects.create(title="Tea", picture=live)
    put(live, state="withdrawn", title="Old tin")
    form = form_of(article, picture=live.pk, title="Still tea")
    assert form.errors == {}
    assert form.save().picture_id == live.pk
    html = str(ArticleForm(instance=Article.objects.get())["picture"])
    page = Page(html)
    assert page.data(form=None) if page.forms else True
    assert [field.value for field in page.fields] == [str(live.pk)]
    assert "Old tin" in page.text
    assert "The page shows nothing here." in page.text
    assert "withdrawn" in page.text.lower()


def test_a_policy_narrows_to_the_brands_of_who_chooses(live, brand):
    foreign = make_live(factories.make_bare_brand(), title="Of others")
    field = AssetField(policy=Policy(factories.make_user("viewer", brand=brand)))
    assert field.clean(str(live.pk)) == live
    with pytest.raises(ValidationError) as caught:
        field.clean(str(foreign.pk))
    assert caught.value.code == "usage.unknown"
    assert "Of others" not in str([label for _value, label in field.choices])


def test_rules_of_the_site_narrow_further(live, brand):
    field = AssetField(queryset=Asset.objects.filter(kind="composed"))
    with pytest.raises(ValidationError) as caught:
        field.clean(str(live.pk))
    assert caught.value.code == "usage.not_offered"
    assert [str(value) for value, _label in field.choices] == [""]


def test_the_control_offers_the_newest_that_are_live(live, brand):
    make_live(brand, title="Gone", state="withdrawn")
    make_live(brand, title="Over", expires_at=past())
    rows = Asset.objects.filter(pk=live.pk).values()[0]
    more = [Asset(**{**rows, "id": uuid.uuid4(), "title": f"Copy {n}"}) for n in range(NEWEST + 2)]
    Asset.objects.bulk_create(more)
    shown = list(ArticleForm().fields["picture"].choices)
    assert len(shown) == NEWEST + 1
    assert shown[0][0] == ""
    newest = Asset.objects.live().order_by("-pk")
    assert [str(value) for value, _label in shown[1:]] == [str(asset.pk) for asset in newest[:NEWEST]]
    oldest = newest.last()
    page = Page(str(ArticleForm(initial={"picture": oldest.pk})["picture"]))
    assert [field.value for field in page.fields] == [str(oldest.pk)]


def test_an_expiry_counts_when_the_form_is_shown_not_when_its_class_was_made(live):
    assert str(live.pk) in str(ArticleForm()["picture"])
    put(live, expires_at=past())
    assert str(live.pk) not in str(ArticleForm()["picture"])


def test_the_control_is_clean_html_outside_the_admin(live):
    put(live, title='<b onclick="x">Tin</b>', alt={"en": '"><script>'})
    form = form_of(picture=live.pk)
    page = Page(str(form["picture"]))
    assert page.inline == []
    assert "<b onclick" not in page.html
    media = str(form.media)
    assert 'type="module"' in media
    assert "image_studio/picker.css" in media


def test_a_shown_row_costs_three_queries(live, django_assert_num_queries):
    article = Article.objects.create(title="Tea", picture=live)
    form = ArticleForm(instance=article)
    with django_assert_num_queries(3):  # the picture, its files, what is offered
        str(form["picture"])


# System checks ------------------------------------------------------------------------------------------------------


def found(field):
    field.set_attributes_from_name("picture")
    messages = check_field(field)
    assert all(message.hint and message.obj is field for message in messages)
    return [message.id.removeprefix("image_studio.") for message in messages]


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({}, []),
        ({"null": True, "blank": True, "brand": "acme", "channel": "web-hero"}, []),
        ({"brand": "Acme Foods"}, ["E006"]),
        ({"channel": 7}, ["E006"]),
        ({"blank": True}, ["E007"]),
        ({"db_constraint": False}, ["W009"]),
    ],
    ids=str,
)
def test_checks_find_what_does_not_hold(given, ids):
    assert found(AssetForeignKey(**given)) == ids


def test_checks_name_the_app_that_is_missing(monkeypatch):
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "image_studio")
    assert found(AssetForeignKey()) == ["E005"]


@isolate_apps("tests.testapp")
def test_a_model_without_the_studio_loads_and_is_told():
    """As on a site that forgot the app: the check speaks, nothing fails while models are loaded."""

    class Page(models.Model):  # noqa: DJ008
        picture = AssetForeignKey(blank=True)

        class Meta:
            app_label = "testapp"

    ids = {message.id for message in Page._meta.get_field("picture").check()}
    assert {"image_studio.E007", "fields.E300"} <= ids


def test_the_fields_of_the_site_hold():
    for model in (Article, Event):
        assert model.check(databases=[]) == []
