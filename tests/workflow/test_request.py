"""Ordering a set: one transaction, one answer per key, and what can be said to it afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_studio.exceptions import Conflict, InvalidRequest
from image_studio.models import Asset, Attempt, Event, Job, JobOutput, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import cancel, cancel_cell, preview, recompose, request, retry, retry_cell, sheet
from image_studio.workflow.orders import Order
from tests import factories
from tests.workflow.test_preview import matrix_for

OPERATOR = Policy.operator()


@pytest.fixture
def matrix(db):
    """Two channels at half their size: every rule holds, and no test waits for pixels it does not need."""
    channels = factories.make_channels("square", "newsletter")
    for channel in channels:
        channel.width, channel.height = channel.width // 2, channel.height // 2
        channel.save()
    return matrix_for(channels=tuple(channels), locales=("en", "ar"))


@pytest.fixture
def capture(django_capture_on_commit_callbacks):
    """Runs what waits for the commit, so the inline doorbell rings."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_request_is_one_transaction_of_few_queries(matrix, django_assert_max_num_queries):
    preview(OPERATOR, matrix)
    with django_assert_max_num_queries(14):
        made = request(OPERATOR, matrix, key="one")
    assert made.variants.count() == 4
    assert made.jobs.count() == 2
    assert Event.objects.filter(verb="set.requested", object_id=str(made.pk)).count() == 1


def test_the_same_key_gives_the_same_set(matrix):
    first = request(OPERATOR, matrix, key="one")
    assert request(OPERATOR, matrix, key="one") == first
    assert VariantSet.objects.count() == 1
    assert Job.objects.count() == 2


def test_the_same_key_with_another_body_is_refused(matrix):
    request(OPERATOR, matrix, key="one")
    other = matrix_for(matrix.brand, channels=matrix.channels, locales=("en",), prompt_version=matrix.prompt_version)
    with pytest.raises(Conflict, match=r"idempotency\.other_body"):
        request(OPERATOR, other, key="one")


def test_another_persons_same_key_is_independent(matrix):
    user = factories.make_user("creator", brand=matrix.brand)
    request(OPERATOR, matrix, key="one")
    request(Policy(user), matrix, key="one")
    assert VariantSet.objects.count() == 2


@pytest.mark.parametrize("key", ["", "x" * 101, "two words", "kéy"])
def test_a_request_needs_a_key(matrix, key):
    with pytest.raises(InvalidRequest, match=r"idempotency\.(bad_key|key_missing)"):
        request(OPERATOR, matrix, key=key)


def test_a_changed_kit_is_asked_again(matrix):
    digest = preview(OPERATOR, matrix).digest
    kit, files = factories.kit_and_files(matrix.brand.slug, voice="Warm")
    factories.add_revision(matrix.brand, kit, files)
    with pytest.raises(Conflict, match=r"preview\.changed"):
        request(OPERATOR, matrix, key="one", digest=digest)
    assert not VariantSet.objects.exists()


def test_a_blocked_preview_makes_nothing(matrix):
    bad = matrix_for(matrix.brand, texts={"headline": {"en": "miracle"}})
    with pytest.raises(InvalidRequest):
        request(OPERATOR, bad, key="one")
    assert not VariantSet.objects.exists()
    assert not Job.objects.exists()


def test_the_main_job_fills_every_cell_and_buys_one_picture_per_ratio(matrix, capture):
    with capture():
        made = request(OPERATOR, matrix, key="one")
    shown = sheet(OPERATOR, made)
    assert shown.counts == {"ready": 4}
    assert shown.pictures_bought == shown.pictures_total == 2
    assert not shown.active
    assert Attempt.objects.count() == 2
    sizes = {(cell.asset.width, cell.asset.height) for cell in shown.cells}
    assert sizes == {(c.width, c.height) for c in matrix.channels}
    assert all(cell.verdicts and not cell.asset.publishable for cell in shown.cells)


def test_a_new_headline_composes_anew_and_buys_nothing(matrix, capture):
    with capture():
        made = request(OPERATOR, matrix, key="one")
    before = {cell.variant.pk: cell.asset for cell in sheet(OPERATOR, made).cells}
    raws, attempts = Asset.objects.filter(kind="raw").count(), Attempt.objects.count()
    with capture():
        recompose(OPERATOR, made, texts={"headline": {"en": "Now in spring", "ar": "الآن في الربيع"}})
    after = {cell.variant.pk: cell.asset for cell in sheet(OPERATOR, made).cells}
    assert Asset.objects.filter(kind="raw").count() == raws
    assert Attempt.objects.count() == attempts
    assert all(after[pk].pk != before[pk].pk for pk in before)
    assert all(after[pk].sha256 != before[pk].sha256 for pk in before)
    assert all(after[pk].parent_id == before[pk].parent_id for pk in before)
    drawn = {layer["text"] for asset in after.values() for layer in asset.recipe["layers"]}
    assert {"Now in spring", "الآن في الربيع"} <= drawn


def test_a_new_headline_in_a_strange_locale_is_refused(matrix):
    made = request(OPERATOR, matrix, key="one")
    with pytest.raises(InvalidRequest, match="unknown_locale"):
        recompose(OPERATOR, made, texts={"headline": {"fr": "Bonjour"}})


def test_cancel_before_the_start_charges_nothing(matrix, capture):
    made = request(OPERATOR, matrix, key="one")
    assert cancel(OPERATOR, made) == 4
    assert set(Job.objects.values_list("state", flat=True)) == {"cancelled"}
    assert set(made.variants.values_list("state", flat=True)) == {"cancelled"}
    assert Event.objects.filter(verb="job.cancelled").count() == 2
    assert not Attempt.objects.exists()
    with capture():
        assert retry(OPERATOR, made) == 4
    assert sheet(OPERATOR, made).counts == {"ready": 4}


def test_the_last_cell_takes_its_job_along(matrix):
    made = request(OPERATOR, matrix, key="one")
    english, arabic = made.variants.filter(channel__slug="square")
    cancel_cell(OPERATOR, english)
    assert english.job.state == Job.objects.get(pk=english.job_id).state == "queued"
    cancel_cell(OPERATOR, arabic)
    assert Job.objects.get(pk=english.job_id).state == "cancelled"
    with pytest.raises(Conflict, match=r"variant\.wrong_state"):
        cancel_cell(OPERATOR, Variant.objects.get(pk=arabic.pk))


def test_a_fault_is_asked_for_alone(matrix, capture):
    with capture():
        made = request(OPERATOR, matrix, key="one")
    cell = made.variants.filter(channel__slug="square").first()
    Variant.objects.filter(job=cell.job).update(state="waiting", asset=None)
    JobOutput.objects.filter(job=cell.job).update(asset=None, fault_code="job.crashed")
    assert {c.status for c in sheet(OPERATOR, made).cells} == {"failed", "ready"}
    jobs = Job.objects.filter(kind="picture").count()
    with capture():
        retry_cell(OPERATOR, Variant.objects.get(pk=cell.pk))
    assert Job.objects.filter(kind="picture").count() == jobs + 1
    assert sheet(OPERATOR, made).counts == {"ready": 4}


def test_there_is_nothing_to_retry_in_a_ready_cell(matrix, capture):
    with capture():
        made = request(OPERATOR, matrix, key="one")
    with pytest.raises(Conflict, match=r"variant\.wrong_state"):
        retry_cell(OPERATOR, made.variants.first())


def test_a_sheet_costs_the_same_queries_at_any_size(matrix, capture, django_assert_max_num_queries):
    with capture():
        small = request(OPERATOR, matrix, key="one")
        large = request(OPERATOR, matrix_for(matrix.brand, channels=matrix.channels, takes=2), key="two")
    counts = []
    for made in (small, large):
        with django_assert_max_num_queries(6) as queries:
            sheet(OPERATOR, VariantSet.objects.select_related("brand").get(pk=made.pk))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_sheet_says_that_nobody_works(matrix, settings):
    made = request(OPERATOR, matrix, key="one")
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    shown = sheet(OPERATOR, made)
    assert shown.active
    assert shown.worker_missing
    assert {cell.status for cell in shown.cells} == {"waiting"}
    assert all("cancel" in cell.actions for cell in shown.cells)


def test_a_viewer_sees_and_may_do_nothing(matrix, capture):
    with capture():
        made = request(OPERATOR, matrix, key="one")
    viewer = Policy(factories.make_user("viewer", brand=matrix.brand))
    assert all(cell.actions == frozenset() for cell in sheet(viewer, made).cells)


def test_an_order_split_over_requests_gives_different_takes(matrix, settings, capture):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "MODELS": {"previs-placeholder": {"max_n": 1}}}
    with capture():
        made = request(OPERATOR, matrix_for(matrix.brand, channels=matrix.channels[:1], takes=3), key="one")
    assert made.jobs.count() == 3
    raws = Asset.objects.filter(kind="raw")
    assert len({raw.sha256 for raw in raws}) == 3


def test_a_cell_cancelled_alone_waits_again(matrix, settings):
    settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, "DOORBELL": "poll"}
    made = request(OPERATOR, matrix, key="one")
    cell = made.variants.first()
    cancel_cell(OPERATOR, cell)
    retry_cell(OPERATOR, Variant.objects.get(pk=cell.pk))
    assert Variant.objects.get(pk=cell.pk).state == "waiting"
    drain()
    assert sheet(OPERATOR, made).counts == {"ready": 4}


def test_a_prompt_and_several_pictures_are_one_order_of_a_set_each(matrix):
    brand = matrix.brand
    sources = [factories.make_asset(brand, (64, 48)) for _ in range(2)]
    order = Order.of(OPERATOR, [replace(matrix, route="reframe", source=source) for source in sources])
    assert [finding.code for finding in order.findings] == ["request.prompt_unused"]
    assert not order.blocked
    made = order.place(OPERATOR, "one", seen=order.digest)
    assert [row.source for row in made] == sources
    assert {row.prompt_version for row in made} == {matrix.prompt_version}
    # The picture decides: no purchase carries words that its model would not follow.
    assert {job.request["prompt"] for row in made for job in row.jobs.all()} == {""}
    assert order.place(OPERATOR, "one", seen="") == made
    with pytest.raises(Conflict, match=r"preview\.changed"):
        order.place(OPERATOR, "two", seen="")
    assert VariantSet.objects.count() == 2


@pytest.mark.parametrize("verb", ["retry", "cancel", "retry_cell", "recompose"])
def test_a_finished_set_stays_finished_where_there_is_nothing_to_do(matrix, capture, verb):
    """Or it would be told as finished, or cancelled, a second time."""
    with capture():
        variant_set = request(OPERATOR, matrix, key="k")
    if verb == "recompose":
        variant_set.variants.update(state="cancelled")
    finished = factories.long_ago()
    VariantSet.objects.filter(pk=variant_set.pk).update(finished_at=finished)
    before = Event.objects.count()
    if verb == "retry_cell":
        with pytest.raises(Conflict):
            retry_cell(OPERATOR, variant_set.variants.first())
    else:
        {"retry": retry, "cancel": cancel, "recompose": recompose}[verb](OPERATOR, variant_set)
    variant_set.refresh_from_db()
    assert (variant_set.finished_at, variant_set.cancelled_at) == (finished, None)
    assert Event.objects.count() == before
