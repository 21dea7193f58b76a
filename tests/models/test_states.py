"""The state tables: every row of them, held by the database too, and moved by one UPDATE."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from image_studio import states
from image_studio.models import Asset, Attempt, BrandMembership, CheckResult, Job, Review, Variant, uuid7
from tests import factories

TABLES = (states.JOB, states.ASSET, states.VARIANT, states.ATTEMPT)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_move_leads_to_a_state_that_has_words(table):
    assert set(table.moves) == set(table.labels)
    for state, targets in table.moves.items():
        assert targets <= set(table.labels)
        assert state not in targets
    assert [name for name, _words in table.choices] == list(table.labels)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_state_but_the_first_can_be_reached(table):
    first = next(iter(table.labels))
    reached, edge = {first}, {first}
    while edge:
        edge = {target for state in edge for target in table.moves[state]} - reached
        reached |= edge
    assert reached == set(table.labels)


def test_what_was_paid_for_is_never_sent_again_by_the_table_alone():
    assert "sending" not in states.JOB.moves["unknown"] | states.JOB.moves["spooled"] | states.JOB.moves["sending"]
    assert states.JOB.sources("sending") == {"leased"}
    assert "cancelled" not in states.JOB.moves["sending"] | states.JOB.moves["spooled"]
    assert states.JOB.moves["done"] == frozenset()


def test_the_groups_of_job_states_are_apart_and_whole():
    assert states.JOB_ENDED.isdisjoint(states.JOB_HELD)
    assert states.JOB_ENDED | states.JOB_HELD | {"queued"} == set(states.JOB.labels)


def test_only_a_released_asset_becomes_public():
    assert states.ASSET.sources("published") == {"approved"}
    assert states.ASSET.moves["published"] == {"withdrawn"}


@pytest.mark.django_db
def test_a_move_is_one_update_that_says_how_many_went(django_assert_num_queries):
    brand = factories.make_bare_brand()
    jobs = [factories.make_job(brand), factories.make_job(brand, state="done")]
    rows = Job.objects.filter(pk__in=[job.pk for job in jobs])
    with django_assert_num_queries(1):
        assert states.JOB.move(rows, "leased", lease_token=5) == 1
    assert sorted(rows.values_list("state", "lease_token")) == [("done", 0), ("leased", 5)]
    assert states.JOB.move(rows, "leased") == 0


@pytest.mark.django_db
def test_a_move_can_be_narrowed_but_never_widened():
    job = factories.make_job(factories.make_bare_brand(), state="leased")
    rows = Job.objects.filter(pk=job.pk)
    assert states.JOB.move(rows, "cancelled", only_from=["queued"]) == 0
    for to, only_from in [("done", ["failed"]), ("gone", None), ("done", []), ("leased", ["done", "queued"])]:
        with pytest.raises(ValueError, match="no move"):
            states.JOB.move(rows, to, only_from=only_from)
    assert states.JOB.move(rows, "cancelled") == 1


def refuse(act):
    with pytest.raises(IntegrityError), transaction.atomic():
        act()


@pytest.mark.django_db
def test_the_database_knows_the_names_of_states():
    brand = factories.make_bare_brand()
    asset = factories.make_asset(brand, (64, 64))
    made = factories.make_set(brand)
    job = made.jobs.first()
    call = Attempt.objects.create(
        job=job, number=1, provider="p", model="m", worker=uuid7(), started_at=factories.long_ago()
    )
    refuse(lambda: Asset.objects.filter(pk=asset.pk).update(state="lost"))
    refuse(lambda: Job.objects.filter(pk=job.pk).update(state="lost"))
    refuse(lambda: Job.objects.filter(pk=job.pk).update(kind="poem"))
    refuse(lambda: Variant.objects.filter(job=job).update(state="lost"))
    refuse(lambda: Attempt.objects.filter(pk=call.pk).update(state="maybe"))


@pytest.mark.django_db
def test_the_database_holds_what_must_be_one():
    brand = factories.make_bare_brand()
    made = factories.make_set(brand)
    job, cell = made.jobs.first(), made.variants.first()
    now = factories.long_ago()
    Attempt.objects.create(job=job, number=1, provider="p", model="m", worker=uuid7(), started_at=now)
    refuse(lambda: Attempt.objects.create(job=job, number=1, provider="p", model="m", worker=uuid7(), started_at=now))
    job.outputs.create(index=0)
    refuse(lambda: job.outputs.create(index=0))
    refuse(lambda: Variant.objects.create(**twin(cell)))
    refuse(lambda: brand.revisions.create(number=1, digest="x", content={}))
    asset = factories.make_asset(brand, (64, 64))
    preview = asset.renditions.get()
    refuse(
        lambda: asset.renditions.create(
            spec=preview.spec, file="x", sha256="x", weight=1, format="webp", width=1, height=1
        )
    )


def twin(cell):
    names = ("variant_set", "take", "channel", "channel_spec", "locale", "job", "output_index")
    return {"position": 99, **{name: getattr(cell, name) for name in names}}


@pytest.mark.django_db
def test_the_database_refuses_a_published_stand_in():
    asset = factories.make_asset(factories.make_bare_brand(), (64, 64), publishable=False)
    refuse(lambda: Asset.objects.filter(pk=asset.pk).update(state="published"))
    Asset.objects.filter(pk=asset.pk).update(state="approved")


@pytest.mark.django_db
def test_the_database_refuses_words_that_are_no_verdict_decision_or_role():
    brand = factories.make_bare_brand()
    asset = factories.make_asset(brand, (64, 64))
    user = factories.make_user()
    words = {"asset": asset, "check_name": "file", "code": "file.size"}
    refuse(lambda: CheckResult.objects.create(**words, kind="measured", verdict="maybe"))
    refuse(lambda: CheckResult.objects.create(**words, kind="guessed", verdict="pass"))
    refuse(lambda: Review.objects.create(asset=asset, decision="shrug", sha256="x", reviewer_label="x"))
    refuse(lambda: BrandMembership.objects.create(brand=brand, user=user, role="king"))


@pytest.mark.django_db
def test_a_membership_is_of_a_user_or_of_a_group(django_user_model):
    brand = factories.make_bare_brand()
    user = factories.make_user()
    group = user.groups.create(name=f"editors-{brand.slug}")
    refuse(lambda: BrandMembership.objects.create(brand=brand, role="viewer"))
    refuse(lambda: BrandMembership.objects.create(brand=brand, role="viewer", user=user, group=group))
    BrandMembership.objects.create(brand=brand, role="viewer", user=user)
    BrandMembership.objects.create(brand=brand, role="viewer", group=group)
    refuse(lambda: BrandMembership.objects.create(brand=brand, role="manager", user=user))
