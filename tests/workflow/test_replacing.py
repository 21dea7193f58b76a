"""Replace a picture everywhere: places first, one transaction, and only what each place may show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from image_studio import signals
from image_studio.exceptions import Conflict, InvalidRequest, NotAllowed
from image_studio.models import Asset, Event
from image_studio.policy import VERBS, Policy
from image_studio.workflow.replacing import (
    MOST_TOLD,
    Kept,
    Moved,
    likely_successors,
    places_of,
    preview_replacement,
    replace_everywhere,
)
from image_studio.workflow.usage import Use, uses_of
from tests import factories
from tests.testapp.models import Article, Concert, Slide
from tests.testapp.models import Event as Gig

pytestmark = pytest.mark.django_db
SIZE = (64, 48)
OPERATOR = Policy.operator()


@pytest.fixture(autouse=True)
def folder(tmp_path, settings):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1}


@pytest.fixture
def brand():
    return factories.make_bare_brand("acme")


def live(brand, **fields):
    return factories.make_asset(brand, SIZE, **{"state": "published", **fields})


@pytest.fixture
def old(brand):
    (square, _story) = factories.make_channels("square", "story")
    return live(brand, title="Old", channel=square)


@pytest.fixture
def new(old):
    return live(old.brand, title="New", channel=old.channel)


@pytest.fixture
def pages(old):
    """Four places in three fields, and a page that shows something else."""
    article = Article.objects.create(title="Spring tea", picture=old, card=old)
    Slide.objects.create(article=article, picture=old)
    Concert.objects.create(name="Song", hall="Large", poster=old)
    Article.objects.create(title="Coffee", picture=live(old.brand))
    return article


def events(asset):
    return [(row.verb, row.data) for row in Event.objects.filter(object_type="asset", object_id=str(asset.pk))]


def refused(error, code, *args, **kwargs):
    before = state()
    with pytest.raises(error) as caught:
        replace_everywhere(*args, **kwargs)
    assert caught.value.code == code
    assert state() == before
    return caught.value


def state():
    """What every page shows, and what was written down."""
    models = (Article, Slide, Gig)
    return [list(model.objects.order_by("pk").values()) for model in models], Event.objects.count()


# Everywhere ---------------------------------------------------------------------------------------------------------


def test_places_are_told_first_and_nothing_is_written(old, new, pages):
    before = state()
    found = preview_replacement(OPERATOR, old, new)
    told = [(one.name, one.title, one.count, [use.label for use in one.uses], one.why) for one in found.places]
    assert told == [
        ("testapp.Article.card", "Article: card", 1, ["Article: Spring tea"], None),
        ("testapp.Article.picture", "Article: picture", 1, ["Article: Spring tea"], None),
        ("testapp.Event.poster", "Event: poster", 1, ["Event: Song"], None),
        ("testapp.Slide.picture", "Slide: picture", 1, [f"Slide: slide {Slide.objects.get().pk}"], None),
    ]
    assert found.places[0].uses[0].url == f"/articles/{pages.pk}/"
    assert (found.moving, found.staying) == (4, 0)
    assert state() == before


def test_every_place_moves_at_once(old, new, pages):
    done = replace_everywhere(OPERATOR, old, new, note="a nicer tin")
    assert (done.moving, done.staying) == (4, 0)
    assert uses_of([old]) == {}
    assert [use.label for use in uses_of([new])[new.pk]] == [
        "Article: Spring tea",
        "Event: Song",
        f"Slide: slide {Slide.objects.get().pk}",
    ]
    assert Article.objects.get(title="Coffee").picture_id not in (old.pk, new.pk)
    assert Asset.objects.get(pk=old.pk).state == "published"


def test_it_is_written_down_on_both_sides(old, new, pages):
    user = factories.make_user("reviewer", brand=old.brand)
    replace_everywhere(Policy(user), old, new, note="a nicer tin")
    fields = [f"testapp.{name}" for name in ("Article.card", "Article.picture", "Event.poster", "Slide.picture")]
    told = {"moved": 4, "left": 0, "fields": fields, "note": "a nicer tin"}
    assert events(old) == [("asset.replaced", {**told, "successor": str(new.pk)})]
    assert events(new) == [("asset.took_over", {**told, "of": str(old.pk)})]
    assert {row.actor_label for row in Event.objects.filter(verb__in=("asset.replaced", "asset.took_over"))} == {
        user.get_username()
    }


def test_the_library_knows_that_the_successor_was_taken(old, new, pages):
    replace_everywhere(OPERATOR, old, new)
    assert timezone.now() - Asset.objects.get(pk=new.pk).used_at < timedelta(minutes=1)
    assert Asset.objects.get(pk=old.pk).used_at == old.used_at


def test_a_withdrawn_picture_leaves_its_places_to_another(old, new, pages):
    Asset.objects.filter(pk=old.pk).update(state="withdrawn")
    assert replace_everywhere(OPERATOR, Asset.objects.get(pk=old.pk), new).moving == 4


def test_more_places_than_are_told_all_move(old, new):
    Article.objects.bulk_create([Article(title=str(n), picture=old) for n in range(MOST_TOLD + 7)])
    (one,) = preview_replacement(OPERATOR, old, new).places
    assert (one.count, len(one.uses), one.more) == (MOST_TOLD + 7, MOST_TOLD, 7)
    assert replace_everywhere(OPERATOR, old, new).moving == MOST_TOLD + 7
    assert not Article.objects.filter(picture=old).exists()


def test_queries_do_not_grow_with_the_places(old, new, django_assert_max_num_queries):
    Article.objects.bulk_create([Article(title=str(n), picture=old) for n in range(60)])
    with django_assert_max_num_queries(26):
        replace_everywhere(OPERATOR, old, new)


# What a place takes -------------------------------------------------------------------------------------------------


def test_a_place_that_cannot_take_it_stays_with_its_reason(old, pages):
    other = live(old.brand, channel=factories.make_channels("story")[0])
    found = preview_replacement(OPERATOR, old, other)
    assert {one.name: one.why and one.why.code for one in found.places} == {
        "testapp.Article.card": "usage.other_channel",
        "testapp.Article.picture": None,
        "testapp.Event.poster": None,
        "testapp.Slide.picture": None,
    }
    done = replace_everywhere(OPERATOR, old, other)
    assert (done.moving, done.staying) == (3, 1)
    pages.refresh_from_db()
    assert (pages.card_id, pages.picture_id) == (old.pk, other.pk)
    assert events(old)[0][1]["left"] == 1


def test_another_brand_is_taken_where_the_field_takes_it(old, pages):
    foreign = live(factories.make_bare_brand("zenith"), channel=old.channel)
    found = preview_replacement(OPERATOR, old, foreign)
    assert [one.name for one in found.places if one.why] == ["testapp.Article.card"]
    assert found.places[0].why.code == "usage.other_brand"


def test_all_or_nothing_is_the_callers_choice(old, pages):
    other = live(old.brand, channel=factories.make_channels("story")[0])
    error = refused(Conflict, "replace.not_all", OPERATOR, old, other, whole=True)
    assert error.params == {"left": 1}


def test_where_no_place_takes_it_nothing_happens(old):
    Article.objects.create(title="Spring tea", card=old)
    other = live(old.brand, channel=factories.make_channels("story")[0])
    refused(Conflict, "replace.none_takes", OPERATOR, old, other)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"state": "approved"}, "usage.not_published"),
        ({"state": "candidate"}, "usage.not_published"),
        ({"state": "withdrawn"}, "usage.withdrawn"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "usage.expired"),
    ],
)
def test_only_what_is_live_takes_a_place(old, pages, fields, code):
    refused(InvalidRequest, code, OPERATOR, old, live(old.brand, **fields))


def test_what_the_database_says_counts_and_not_what_was_read(old, new, pages):
    Asset.objects.filter(pk=new.pk).update(state="withdrawn")
    assert new.state == "published"
    refused(InvalidRequest, "usage.withdrawn", OPERATOR, old, new)


def test_a_picture_does_not_replace_itself_nor_one_that_is_nowhere(old, new, pages):
    refused(InvalidRequest, "replace.same", OPERATOR, old, old)
    refused(InvalidRequest, "usage.unknown", OPERATOR, old, None)
    refused(Conflict, "replace.nowhere", OPERATOR, new, old)


def test_what_was_not_seen_is_not_replaced(old, new, pages):
    seen = preview_replacement(OPERATOR, old, new).digest
    Article.objects.create(title="Just now", picture=old)
    refused(Conflict, "replace.changed", OPERATOR, old, new, seen=seen)
    again = preview_replacement(OPERATOR, old, new).digest
    assert replace_everywhere(OPERATOR, old, new, seen=again).moving == 5


# Plain relations of a site ------------------------------------------------------------------------------------------


@pytest.fixture
def mark(monkeypatch):
    """Gives the event's poster rules that a site's own relation may have."""
    field = Gig._meta.get_field("poster")
    return lambda key, value: monkeypatch.setattr(field, key, value, raising=False)


def test_the_limits_of_a_plain_foreign_key_hold(old, new, pages, mark):
    mark("get_limit_choices_to", lambda: {"title": "Old"})
    why = {one.name: one.why and one.why.code for one in preview_replacement(OPERATOR, old, new).places}
    assert why["testapp.Event.poster"] == "usage.not_offered"
    assert why["testapp.Slide.picture"] is None


def test_a_place_of_which_there_is_one_is_not_taken_twice(old, new, pages, mark):
    mark("unique", True)
    Gig.objects.create(name="Encore", poster=new)
    why = {one.name: one.why and one.why.code for one in preview_replacement(OPERATOR, old, new).places}
    assert why["testapp.Event.poster"] == "usage.taken"


@pytest.mark.skipif(connection.vendor == "mysql", reason="an index there ends the test's transaction")
def test_what_a_constraint_refuses_stays_and_the_rest_moves(old, new, pages):
    """As where one article may show a picture in one slide only."""
    Slide.objects.create(article=pages, picture=new)
    name = "slide_once"
    connection.check_constraints()  # PostgreSQL makes no index of a table whose foreign keys are still to be looked at
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX {name} ON testapp_slide (article_id, picture_id)")
    try:
        with transaction.atomic():
            done = replace_everywhere(OPERATOR, old, new)
            stayed = {one.name: one.why.code for one in done.places if one.why}
            assert stayed == {"testapp.Slide.picture": "usage.not_taken"}
            assert (done.moving, done.staying) == (3, 1)
            assert Slide.objects.filter(picture=old).count() == 1
            transaction.set_rollback(True)
        refused(Conflict, "replace.not_all", OPERATOR, old, new, whole=True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX {name}")


# Rights -------------------------------------------------------------------------------------------------------------


def test_a_reviewer_may_and_a_creator_may_not(old, new, pages):
    assert VERBS["replace"] == "reviewer"
    creator = Policy(factories.make_user("creator", brand=old.brand))
    error = refused(NotAllowed, "policy.not_allowed", creator, old, new)
    assert error.params == {"verb": "replace", "role": "reviewer"}
    reviewer = Policy(factories.make_user("reviewer", brand=old.brand))
    assert replace_everywhere(reviewer, old, new).moving == 4


def test_both_brands_are_asked(old, pages):
    foreign = live(factories.make_bare_brand("zenith"))
    user = factories.make_user("reviewer", brand=old.brand)
    refused(InvalidRequest, "usage.unknown", Policy(user), old, foreign)
    foreign.brand.memberships.create(user=user, role="creator")
    refused(NotAllowed, "policy.not_allowed", Policy(user), old, foreign)
    foreign.brand.memberships.update(role="reviewer")
    assert replace_everywhere(Policy(user), old, foreign).moving == 3


# Signals ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def heard():
    """What the signal told."""
    told = []

    def hear(sender, **said):
        told.append(said)

    signals.asset_replaced.connect(hear)
    yield told
    signals.asset_replaced.disconnect(hear)


def test_the_site_hears_of_it_after_the_commit(old, new, pages, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        replace_everywhere(OPERATOR, old, new)
        assert heard == []
    (said,) = heard
    assert (said["asset"], said["successor"]) == (old, new)
    slide, gig = Slide.objects.get(), Gig.objects.get()
    assert said["moved"] == (
        Moved(model=Article, field="card", pks=(pages.pk,)),
        Moved(model=Article, field="picture", pks=(pages.pk,)),
        Moved(model=Gig, field="poster", pks=(gig.pk,)),
        Moved(model=Slide, field="picture", pks=(slide.pk,)),
    )


def test_the_site_hears_nothing_of_what_was_refused(old, new, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        refused(Conflict, "replace.nowhere", OPERATOR, old, new)
    assert callbacks == []
    assert heard == []


@pytest.fixture
def blocks(old):
    """An app whose places are no fields: it tells of them, and follows."""
    shown = {"footer": old.pk}

    def tell(sender, assets, **_):
        return {key: [Use(label="Block: footer", url="/")] for key in assets if key in shown.values()}

    def fail(sender, **_):
        raise RuntimeError("a broken receiver")

    def follow(sender, asset, successor, **_):
        shown.update({name: successor.pk for name, key in shown.items() if key == asset.pk})

    signals.asset_uses_wanted.connect(fail)
    signals.asset_uses_wanted.connect(tell)
    signals.asset_replaced.connect(follow)
    yield shown
    for signal, receiver in (("uses_wanted", fail), ("uses_wanted", tell), ("replaced", follow)):
        getattr(signals, f"asset_{signal}").disconnect(receiver)


def test_places_that_are_no_fields_are_told_and_follow(old, new, blocks, django_capture_on_commit_callbacks):
    assert uses_of([old, new]) == {old.pk: [Use(label="Block: footer", url="/")]}
    found = preview_replacement(OPERATOR, old, new)
    assert (found.places, found.elsewhere) == ((), (Use(label="Block: footer", url="/"),))
    with django_capture_on_commit_callbacks(execute=True):
        replace_everywhere(OPERATOR, old, new)
    assert blocks == {"footer": new.pk}
    assert uses_of([old]) == {}


def test_what_an_app_would_leave_as_it_is_counts_as_staying(old, new, blocks, django_capture_on_commit_callbacks):
    footer = Use(label="Block: footer", url="/")

    def stay(sender, asset, successor, **_):
        return {footer: f"No {successor}."} if asset.pk in blocks.values() else {}

    before = preview_replacement(OPERATOR, old, new)
    signals.asset_stays_wanted.connect(stay)
    try:
        found = preview_replacement(OPERATOR, old, new)
        assert (found.kept, found.staying, found.following) == ((Kept(use=footer, why=f"No {new}."),), 1, 0)
        assert found.digest != before.digest
        with django_capture_on_commit_callbacks(execute=True):
            error = refused(Conflict, "replace.not_all", OPERATOR, old, new, whole=True)
        assert error.params == {"left": 1}
        assert blocks == {"footer": old.pk}
    finally:
        signals.asset_stays_wanted.disconnect(stay)
    assert (before.kept, before.staying, before.following) == ((), 0, 1)


# Successors ---------------------------------------------------------------------------------------------------------


def test_the_likely_successors_were_made_for_the_same_place(old, new):
    live(old.brand, channel=factories.make_channels("story")[0])
    live(old.brand, channel=old.channel, locale="ar")
    live(factories.make_bare_brand(), channel=old.channel)
    live(old.brand, channel=old.channel, state="approved")
    newest = live(old.brand, channel=old.channel)
    assert list(likely_successors(OPERATOR, old)) == [newest, new]


def test_places_are_read_in_few_queries(old, pages, django_assert_num_queries):
    with django_assert_num_queries(4):
        assert len(places_of(old)) == 4
