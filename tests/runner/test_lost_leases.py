"""A worker warns of jobs that others hold now, and not of those that it has just ended itself."""

from __future__ import annotations

import pytest

from image_studio.models import Job, uuid7
from image_studio.runner.worker import _lost
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def job():
    made = factories.make_set(factories.make_bare_brand(), channels=factories.make_channels("square"), shrink=8)
    return made.jobs.get()


@pytest.mark.parametrize(
    ("state", "owner", "lost"),
    [
        ("sending", "us", 0),
        ("sending", "other", 1),
        ("queued", None, 1),
        ("done", None, 0),
        ("failed", None, 0),
        ("cancelled", None, 0),
    ],
)
def test_only_what_others_have_is_lost(job, state, owner, lost):
    us = uuid7()
    owners = {"us": us, "other": uuid7(), None: None}
    Job.objects.filter(pk=job.pk).update(state=state, lease_owner=owners[owner])
    assert _lost(us, [job.pk]) == lost
