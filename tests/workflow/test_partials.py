"""Who sees an early version, and that there is none once the call is over."""

from __future__ import annotations

import pytest

from image_studio import storage
from image_studio.exceptions import InvalidRequest, NotAllowed, StorageFailed
from image_studio.models import Job, VariantSet
from image_studio.policy import Policy
from image_studio.workflow import partial_for
from image_studio.workflow.partials import shown
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def working(brand, *, state="sending", requested_by=None, data=b"early"):
    """A job that is under way, with an early version of its second output."""
    made = factories.make_set(brand, channels=factories.make_channels("square"), takes=2, requested_by=requested_by)
    name = storage.write(storage.private(), storage.fresh_name("partials", "webp"), data)
    made.jobs.update(state=state, partials={"1": {"file": name, "number": 3, "format": "webp"}})
    return Job.objects.get(variant_set=made)


@pytest.mark.parametrize("state", ["sending", "spooled"])
def test_it_is_served_while_the_job_runs(brand, state):
    job = working(brand, state=state)
    served = partial_for(OPERATOR, job, 1)
    assert (served.data, served.mime, served.attachment) == (b"early", "image/webp", False)
    assert served.filename == f"early-{job.pk.hex[-8:]}-1.webp"
    assert set(shown(job)) == {1}


@pytest.mark.parametrize("state", ["queued", "done", "failed", "blocked", "unknown", "cancelled"])
def test_there_is_none_before_and_after(brand, state):
    job = working(brand, state=state)
    assert shown(job) == {}
    with pytest.raises(InvalidRequest, match=r"job\.no_partial"):
        partial_for(OPERATOR, job, 1)


@pytest.mark.parametrize("index", [0, 2, -1, 10**9])
def test_another_output_has_none(brand, index):
    with pytest.raises(InvalidRequest, match=r"job\.no_partial"):
        partial_for(OPERATOR, working(brand), index)


def test_one_that_was_just_superseded_is_no_error_of_the_server(brand):
    job = working(brand)
    storage.remove(storage.private(), job.partials["1"]["file"])
    with pytest.raises(InvalidRequest, match=r"job\.no_partial"):
        partial_for(OPERATOR, job, 1)


def test_a_storage_that_cannot_be_read_is(brand, monkeypatch):
    job = working(brand)

    def broken(*_args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(storage.private()), "open", broken)
    with pytest.raises(StorageFailed, match=r"storage\.read_failed"):
        partial_for(OPERATOR, job, 1)


def test_only_who_sees_the_set_sees_it(brand):
    mine = factories.make_user("creator", brand=brand, own_only=True)
    job = working(brand, requested_by=mine)
    assert partial_for(Policy(mine), job, 1).data == b"early"
    assert partial_for(Policy(factories.make_user("viewer", brand=brand)), job, 1).data == b"early"
    stranger = factories.make_user("manager", brand=factories.make_bare_brand())
    other = factories.make_user("manager", brand=brand, own_only=True)
    for user in (stranger, other, factories.make_user()):
        with pytest.raises(NotAllowed):
            partial_for(Policy(user), job, 1)


def test_the_set_decides_and_not_who_retried_a_cell(brand):
    mine = factories.make_user("creator", brand=brand, own_only=True)
    job = working(brand, requested_by=factories.make_user("creator", brand=brand))
    VariantSet.objects.filter(pk=job.variant_set_id).update(requested_by=mine)
    assert partial_for(Policy(mine), Job.objects.get(pk=job.pk), 1).data == b"early"
