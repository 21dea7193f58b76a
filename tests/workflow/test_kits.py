"""Saving kits: every change a revision, every file judged before it is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from image_studio.brand.kit import Font, KitFiles, Logo
from image_studio.exceptions import Conflict, ImageRefused, InvalidKit, NotAllowed, StudioError
from image_studio.models import Brand, BrandRevision, Event
from image_studio.policy import Policy
from image_studio.workflow import export_kit, import_kit, save_kit
from tests import factories

pytestmark = pytest.mark.django_db
OPERATOR = Policy.operator()


def test_a_kit_makes_a_brand_and_its_first_revision():
    kit, files = factories.kit_and_files("aurum")
    revision = save_kit(OPERATOR, None, kit, files, note="first")
    brand = Brand.objects.get(slug="aurum")
    assert (brand.revision, revision.number, revision.note) == (revision, 1, "first")
    assert brand.kit == kit
    assert revision.load_files() == files
    assert set(Event.objects.values_list("verb", flat=True)) == {"brand.created", "brand.revised"}


def test_an_unchanged_kit_makes_no_revision():
    kit, files = factories.kit_and_files("aurum")
    first = save_kit(OPERATOR, None, kit, files)
    assert save_kit(OPERATOR, first.brand, kit) == first


def test_a_change_is_a_new_revision_and_the_old_one_stays():
    kit, files = factories.kit_and_files("aurum")
    first = save_kit(OPERATOR, None, kit, files)
    second = save_kit(OPERATOR, first.brand, replace(kit, voice="Calm"))
    assert second.number == 2
    assert second.files == first.files
    assert BrandRevision.objects.get(pk=first.pk).kit.voice == ""
    with pytest.raises(Conflict, match=r"object\.frozen"):
        second.save()


def test_only_managers_change_a_kit():
    brand = factories.make_brand()
    with pytest.raises(NotAllowed):
        save_kit(Policy(factories.make_user("reviewer", brand=brand)), brand, replace(brand.kit, voice="x"))
    assert save_kit(Policy(factories.make_user("manager", brand=brand)), brand, replace(brand.kit, voice="x"))
    with pytest.raises(NotAllowed):
        save_kit(Policy(factories.make_user("manager", brand=brand)), None, replace(brand.kit, slug="new"))


def test_a_slug_is_taken_once_and_never_changes():
    brand = factories.make_brand("aurum")
    kit, files = factories.kit_and_files("aurum")
    with pytest.raises(Conflict, match="slug_taken"):
        save_kit(OPERATOR, None, kit, files)
    with pytest.raises(Conflict, match="other_slug"):
        save_kit(OPERATOR, brand, replace(kit, slug="argentum"), files)


def test_a_logo_passes_the_gate():
    kit, files = factories.kit_and_files("aurum")
    bad = replace(kit, logos=(Logo(name="svg", file="logo.svg", sha256="a" * 64),))
    with pytest.raises(ImageRefused):
        save_kit(OPERATOR, None, bad, KitFiles(by_sum={"a" * 64: b"<svg onload='x'/>"}))
    with pytest.raises(InvalidKit, match="file_missing"):
        save_kit(OPERATOR, None, bad, files)
    assert not Brand.objects.exists()


def test_a_broken_font_is_refused():
    kit, files = factories.kit_and_files("aurum")
    bad = replace(kit, fonts=(Font(name="f", file="f.ttf", sha256="b" * 64),))
    with pytest.raises(InvalidKit):
        save_kit(OPERATOR, None, bad, KitFiles(by_sum={**files.by_sum, "b" * 64: b"not a font"}))


def test_settings_of_checks_that_are_not_there_are_refused():
    kit, files = factories.kit_and_files("aurum")
    plain = {**kit.to_dict(), "checks": [{"check": "astrology"}]}
    with pytest.raises(StudioError):
        save_kit(OPERATOR, None, type(kit).from_dict(plain), files)


def test_a_kit_goes_round_through_a_folder(tmp_path):
    kit, files = factories.kit_and_files("aurum")
    first = save_kit(OPERATOR, None, kit, files)
    export_kit(OPERATOR, first.brand, tmp_path)
    assert (tmp_path / "brand.toml").exists()
    assert import_kit(OPERATOR, tmp_path).content == first.content
    text = (tmp_path / "brand.toml").read_text()
    (tmp_path / "brand.toml").write_text(text.replace("Fresh every day", "Fresh each day"))
    assert import_kit(OPERATOR, tmp_path).number == 2


def test_a_brand_without_a_kit_cannot_be_exported(tmp_path):
    with pytest.raises(InvalidKit, match="no_kit"):
        export_kit(OPERATOR, Brand.objects.create(slug="bare", name="Bare"), tmp_path)
