"""The signal cookbook does what it says: its receivers, connected as printed, hear what really happens."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import django
import pytest
from django.apps import apps
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.dispatch import Signal

from image_studio import signals
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import approve_and_publish, reject, request, withdraw
from image_studio.workflow.adoption import adopt, file_field
from image_studio.workflow.plan import Matrix
from image_studio.workflow.replacing import preview_replacement, replace_everywhere
from image_studio.workflow.usage import Use, uses_of
from tests import factories
from tests.testapp.models import Article, Photo

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = (Path(__file__).parents[1] / "docs" / "signals.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
NEWS = {name: one for name, one in vars(signals).items() if isinstance(one, Signal)}
OPERATOR = Policy.operator()


@pytest.fixture(autouse=True)
def guide(tmp_path, settings, monkeypatch):
    """The whole page, run from top to bottom in a site that has a magazine; every receiver is taken off afterwards."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.IMAGE_STUDIO = {"DOORBELL": "poll", "PIXEL_THREADS": 1, "PICTURES": {"default": {"widths": [40]}}}
    settings.MANAGERS = ["chief@example.com"] if django.VERSION >= (6, 0) else [("Chief", "chief@example.com")]
    magazine = types.ModuleType("magazine")
    magazine.models = types.ModuleType("magazine.models")
    magazine.models.Newsletter = Photo
    magazine.receivers = types.ModuleType("magazine.receivers")
    for module in (magazine, magazine.models, magazine.receivers):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    before = {name: list(one.receivers) for name, one in NEWS.items()}
    space = {"__name__": "magazine.receivers"}
    for block in BLOCKS:
        exec(compile(block, "docs/signals.md", "exec"), space)
    yield space
    for name, one in NEWS.items():
        one.receivers = before[name]
        one.sender_receivers_cache.clear()
    cache.clear()


@pytest.fixture
def brand():
    return factories.make_bare_brand()


def published(brand, **fields):
    asset = factories.make_asset(brand, (80, 60), **fields)
    job = approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
    drain(job_ids=[job.pk])
    asset.refresh_from_db()
    assert asset.state == "published"
    return asset


def subjects():
    return [message.subject for message in mail.outbox]


def test_every_signal_stands_in_the_table_and_has_a_recipe(guide):
    table = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", GUIDE, re.MULTILINE))
    assert set(table) == set(NEWS)
    source = Path(signals.__file__).read_text("utf-8")
    for name, arguments in table.items():
        assert re.search(rf"@receiver\(\[?[^)]*\b{name}\b", GUIDE), name
        said = source.partition(f"\n{name} = ")[0].rpartition("\n\n")[2]
        assert all(one in said for one in re.findall(r"`(\w+)`", arguments)), name


def test_the_app_imports_its_receivers(guide):
    config = guide["MagazineConfig"]
    assert config.name == "magazine"
    config.ready(types.SimpleNamespace())
    assert "magazine" not in apps.app_configs


def test_cached_pages_are_forgotten(brand):
    asset = factories.make_asset(brand, (80, 60))
    article = Article.objects.create(title="Tea", picture=asset)
    key = f"page:{article.get_absolute_url()}"
    cache.set(key, "old", 60)
    job = approve_and_publish(OPERATOR, asset, declaration=factories.DECLARED)
    assert cache.get(key) == "old"
    drain(job_ids=[job.pk])
    assert cache.get(key) is None
    cache.set(key, "old", 60)
    asset.refresh_from_db()
    withdraw(OPERATOR, asset)
    assert cache.get(key) is None


def test_editors_hear_which_pages_lost_their_picture(brand):
    asset = published(brand, title="Tea tin")
    withdraw(OPERATOR, asset)
    assert mail.outbox == []
    other = published(brand, title="Tea cup")
    article = Article.objects.create(title="Tea", picture=other)
    withdraw(OPERATOR, other)
    assert [subject.endswith("Withdrawn: Tea cup") for subject in subjects()] == [True]
    assert f"Article: Tea {article.get_absolute_url()}" in mail.outbox[0].body


def test_the_maker_hears_of_a_rejection(brand):
    maker = factories.make_user("creator", brand=brand, email="maker@example.com")
    asset = factories.make_asset(brand, (80, 60), title="Tea tin", created_by=maker)
    reject(OPERATOR, asset, reason="wrong_crop", note="The lid is cut off.")
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["maker@example.com"], "Rejected: Tea tin")
    assert message.body == "Wrong crop. The lid is cut off."


def test_who_ordered_hears_that_the_sheet_is_ready(brand):
    maker = factories.make_user("creator", brand=brand, email="maker@example.com")
    channels = factories.make_channels("square")
    channels[0].width = channels[0].height = 64
    channels[0].save()
    source = factories.make_asset(brand, (120, 90))
    matrix = Matrix(brand=brand, route="reframe", channels=tuple(channels), locales=("en",), source=source)
    made = request(Policy(maker), matrix, key="sheet")
    drain()
    (message,) = mail.outbox
    assert message.to == ["maker@example.com"]
    assert message.body == f"https://www.example.com/admin/image_studio/variantset/{made.pk}/change/"


def test_replacements_are_followed_by_fields_caches_and_newsletters(brand):
    old, new = (factories.make_asset(brand, (80, 60), state="published") for _ in range(2))
    article = Article.objects.create(title="Tea", picture=old)
    letter = Photo.objects.create(words={"hero": str(old.pk), "more": 1})
    other = Photo.objects.create(words={"more": 1})
    key = f"page:{article.get_absolute_url()}"
    cache.set(key, "old", 60)
    assert Use(label=f"Newsletter: {letter}") in uses_of([old, new])[old.pk]
    small = factories.make_asset(brand, (32, 24), state="published")
    (kept,) = preview_replacement(OPERATOR, old, small).kept
    assert (kept.use.label, kept.why) == (f"Newsletter: {letter}", "It is less than 40 pixels wide.")
    replace_everywhere(OPERATOR, old, new)
    assert cache.get(key) is None
    letter.refresh_from_db()
    assert letter.words == {"hero": str(new.pk), "more": 1}
    assert Photo.objects.get(pk=other.pk).words == {"more": 1}
    assert uses_of([old]) == {}
    assert len(uses_of([new])[new.pk]) == 2


def test_a_draft_that_stands_elsewhere_keeps_its_picture(brand):
    asset = published(brand)
    article = Article.objects.create(title="Tea")
    other = Article.objects.create(title="Coffee")
    Photo.objects.create(words={"article": article.pk, "hero": str(asset.pk)})
    withdraw(OPERATOR, asset)
    article.picture = other.picture = Asset.objects.get(pk=asset.pk)
    article.full_clean()
    with pytest.raises(ValidationError):
        other.full_clean()


def test_a_copy_of_a_picture_is_not_adopted(brand):
    asset = published(brand)
    photos = [Photo(words=words) for words in ({"hero": str(asset.pk)}, {})]
    for hue, row in enumerate(photos):
        data = factories.encoded(factories.draw_photo((80, 60), hue=hue), "jpeg")
        row.image.save("tea.jpg", ContentFile(data), save=True)
    copied, own = adopt(OPERATOR, brand, file_field("testapp.Photo.image"))
    assert (copied.row, copied.status, copied.asset) == (photos[0].pk, "duplicate", asset)
    assert (own.row, own.status) == (photos[1].pk, "adopted")


def test_managers_hear_of_a_budget():
    signals.budget_warned.send_robust(object, budget="Spring, 80 %")
    (message,) = mail.outbox
    assert (message.to, message.body) == (["chief@example.com"], "Spring, 80 %")
