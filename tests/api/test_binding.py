"""The price that was seen is the price that is paid: what changed in between is asked again, on every order."""

from __future__ import annotations

import pytest

from image_studio import testing
from image_studio.models import IdempotencyKey, Job
from image_studio.runner import drain
from tests import factories
from tests.api.conftest import API, is_problem
from tests.api.work import fresh_key, small_channels
from tests.ledger.money import PLAIN, PRICE, held

pytestmark = pytest.mark.django_db


@pytest.fixture
def sell(settings):
    """Set what a picture costs."""

    def sell(price=PRICE):
        settings.IMAGE_STUDIO = {**PLAIN, **testing.fake_settings(price=price)}

    sell()
    return sell


@pytest.fixture
def brand(sell):
    return factories.make_bare_brand()


@pytest.fixture
def mara(brand):
    return API(factories.make_user("creator", brand=brand))


class Order:
    """An order with its preview: a body of both, and what they are sent to."""

    def __init__(self, mara, path, preview, **body):
        self.mara, self.path, self.preview, self.body = mara, path, preview, body

    def seen(self):
        return self.mara.say(self.preview, self.body, status=200)

    def place(self, digest, **changes):
        body = {**self.body, **changes, "digest": digest}
        return self.mara.ask("POST", self.path, body, idempotency_key=fresh_key())


@pytest.fixture
def a_set(mara, brand):
    small_channels("square", "story")
    version = factories.make_prompt(brand, "A cup", variables=[])
    body = {"brand": brand.slug, "route": "fake", "channels": ["square"], "locales": ["en"]}
    return Order(mara, "variant-sets/", "variant-sets/preview/", **body, prompt=str(version.prompt_id))


@pytest.fixture
def source(brand):
    return factories.make_asset(brand, (320, 240))


@pytest.fixture
def chain(mara, brand, source):
    body = {"brand": brand.slug, "asset": str(source.pk)}
    return mara.ask("POST", "chains/", body, status=201, idempotency_key=fresh_key()).json()


@pytest.fixture
def a_step(mara, chain):
    path = f"chains/{chain['id']}/steps/"
    return Order(mara, path, f"{path}preview/", route="fake", instruction="Greener")


@pytest.fixture
def a_change(mara, source):
    path = f"assets/{source.pk}/change/"
    return Order(mara, path, f"{path}preview/", route="fake", instruction="Greener")


@pytest.fixture
def a_replay(mara, a_step, source, chain):
    a_step.place(a_step.seen()["digest"])
    drain()
    kept = mara.say(f"chains/{chain['id']}/steps/2/recipe/", {"name": "Greener"}, status=201)
    path = f"recipes/{kept['id']}/"
    return Order(mara, f"{path}replay/", f"{path}preview/", assets=[str(source.pk)])


ORDERS = ("a_set", "a_step", "a_change", "a_replay")


def refused(order, digest, **changes):
    before = Job.objects.count(), held(), IdempotencyKey.objects.count()
    is_problem(order.place(digest, **changes), 409, "preview.changed")
    assert (Job.objects.count(), held(), IdempotencyKey.objects.count()) == before


@pytest.mark.parametrize("name", ORDERS)
def test_what_was_seen_is_held_to_the_cent(request, name):
    order = request.getfixturevalue(name)
    before, plan = held(), order.seen()
    answer = order.place(plan["digest"])
    assert answer.status_code == 202, answer.content
    assert held() - before == plan["price"]["most"] == PRICE


@pytest.mark.parametrize("name", ORDERS)
def test_a_changed_price_asks_again(request, sell, name):
    order = request.getfixturevalue(name)
    digest = order.seen()["digest"]
    sell(PRICE + 1)
    refused(order, digest)
    assert order.place(order.seen()["digest"]).status_code == 202


@pytest.mark.parametrize("name", ORDERS)
def test_a_changed_kit_asks_again(request, brand, name):
    order = request.getfixturevalue(name)
    digest = order.seen()["digest"]
    kit, files = factories.kit_and_files(brand.slug)
    factories.add_revision(brand, kit, files)
    refused(order, digest)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a_set", {"channels": ["square", "story"]}),
        ("a_set", {"locales": ["en", "ar"]}),
        ("a_set", {"takes": 2}),
        ("a_set", {"options": {"background": "opaque"}}),
        ("a_step", {"candidates": 2}),
        ("a_step", {"instruction": "Bluer"}),
        ("a_change", {"candidates": 2}),
        ("a_change", {"instruction": "Bluer"}),
        ("a_replay", {"routes": ["fake", "reframe"]}),
    ],
)
def test_another_matrix_or_other_words_ask_again(request, name, changes):
    order = request.getfixturevalue(name)
    refused(order, order.seen()["digest"], **changes)


def test_other_pictures_ask_again(a_replay, brand):
    other = factories.make_asset(brand, (200, 100))
    refused(a_replay, a_replay.seen()["digest"], assets=[str(other.pk)])


def test_a_new_version_of_the_prompt_asks_again(mara, a_set):
    digest = a_set.seen()["digest"]
    mara.say(f"prompts/{a_set.body['prompt']}/versions/", {"template": "A jug"}, status=201)
    refused(a_set, digest)


def test_a_channel_of_another_size_asks_again(a_set):
    digest = a_set.seen()["digest"]
    (square,) = factories.make_channels("square")
    type(square).objects.filter(pk=square.pk).update(width=square.width + 2)
    refused(a_set, digest)


def test_without_a_digest_whatever_is_true_now_is_bought(a_set, sell):
    a_set.seen()
    sell(PRICE * 2)
    assert a_set.place("").status_code == 202
    assert held() == PRICE * 2
