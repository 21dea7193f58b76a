"""What the tests of edit chains share: a paid site, a picture, a chain that begins with it, and a member who edits."""

from __future__ import annotations

import pytest

from image_studio.runner import drain
from tests import factories
from tests.api.work import fresh_key
from tests.workflow.chains import paid_site

SIZE = (640, 480)
GREEN = {"instruction": "Make the bottle green", "route": "quick"}


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def brand(fake):
    return factories.make_brand()


@pytest.fixture
def source(brand):
    return factories.make_asset(brand, SIZE, title="Tea tin")


@pytest.fixture
def mara(as_role):
    return as_role("creator")


def keyed(client, path, body, *, status=202, key=""):
    return client.ask("POST", path, body, status=status, idempotency_key=key or fresh_key())


@pytest.fixture
def chain(mara, brand, source):
    return keyed(mara, "chains/", {"brand": brand.slug, "asset": str(source.pk)}, status=201).json()


def ask(client, chain, *, work=True, status=202, **order):
    """The answer to the order of a step, made by a worker unless told otherwise."""
    answer = keyed(client, f"chains/{chain['id']}/steps/", {**GREEN, **order}, status=status)
    if work and answer.status_code == 202:
        drain()
    return answer.json()


def step(client, chain, number):
    return client.read(f"chains/{chain['id']}/steps/{number}/")
