"""What stands behind a picture until it has loaded: its own colours, small and without a script or a data URI."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageStat

from image_studio import storage
from image_studio.imaging.decode import decode
from image_studio.models import Asset
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow import ingest
from tests import factories

pytestmark = pytest.mark.django_db
BLUR = re.compile(r'<svg class="studio-blur".*?</svg>', re.DOTALL)
CELL = re.compile(r'<path fill="#([0-9a-f]{6})"')


def blurs(html):
    return BLUR.findall(html)


def grid(asset):
    """Columns, rows and the colours as triples."""
    size, colours = asset.colours.split(":")
    columns, rows = map(int, size.split("x"))
    return columns, rows, [tuple(bytes.fromhex(colours[at : at + 6])) for at in range(0, len(colours), 6)]


def true_of(asset):
    """Whether the grid's mean is the picture's, within rounding and what a lossy file loses."""
    image = decode(storage.read(storage.private(), asset.file)).image.convert("RGB")
    columns, rows, colours = grid(asset)
    assert len(colours) == columns * rows
    assert abs(columns / rows - image.width / image.height) < 0.5
    means = [sum(channel) / len(colours) for channel in zip(*colours, strict=True)]
    return all(abs(mine - true) < 6 for mine, true in zip(means, ImageStat.Stat(image).mean, strict=True))


def test_an_upload_keeps_its_colours(brand):
    data = factories.encoded(factories.draw_photo((320, 240)), "jpeg", quality=90)
    asset = ingest(Policy.operator(), brand, data, name="a.jpg").asset
    asset.refresh_from_db()
    assert true_of(asset)


def test_what_is_bought_and_what_is_composed_keep_theirs(brand):
    source = factories.make_asset(brand, (400, 300), colours="")
    made = factories.make_set(
        brand, channels=factories.make_channels("square"), locales=("en",), source=source, shrink=6
    )
    drain()
    composed = Asset.objects.get(pk=made.variants.get().asset_id)
    assert true_of(composed)
    assert true_of(composed.parent)
    assert grid(composed)[:2] == (4, 4)


@pytest.mark.parametrize(
    ("size", "cells"),
    [((400, 300), 12), ((40, 400), 4), ((60, 60), 16)],
)
def test_a_grid_is_drawn_in_few_bytes(boss, brand, size, cells):
    asset = factories.make_asset(brand, size)
    (svg,) = blurs(boss.get(reverse("admin:image_studio_asset_changelist")).content.decode())
    assert CELL.findall(svg) == [bytes(colour).hex() for colour in grid(asset)[2]]
    assert len(CELL.findall(svg)) == cells
    assert f'viewBox="0 0 {size[0]} {size[1]}"' in svg
    assert len(svg) < 1000
    assert "style=" not in svg
    assert "data:" not in svg


@pytest.mark.parametrize("name", ["changelist", "change", "review_one"])
def test_every_page_of_a_picture_shows_it(boss, brand, name):
    asset = factories.make_asset(brand, (80, 60))
    address = reverse(f"admin:image_studio_asset_{name}", args=[] if name == "changelist" else [asset.pk])
    assert len(blurs(boss.get(address).content.decode())) == 1


@pytest.mark.parametrize("fields", [{"has_alpha": True}, {"colours": ""}], ids=["transparent", "without"])
def test_nothing_shines_through_a_transparent_picture(boss, brand, fields):
    asset = factories.make_asset(brand, (80, 60), image=Image.new("RGB", (80, 60), "red"), **fields)
    for address in (
        reverse("admin:image_studio_asset_changelist"),
        reverse("admin:image_studio_asset_change", args=[asset.pk]),
    ):
        (svg,) = blurs(boss.get(address).content.decode())
        assert CELL.findall(svg) == []


def test_a_picture_gone_public_tells_its_colours_without_reading_a_file(brand):
    asset = factories.make_asset(brand, (80, 60), state="published")
    storage.private().delete(asset.renditions.get(spec="preview").file)
    row = Client().get(f"/studio/v1/published/{asset.pk}/").json()
    assert row["placeholder"]["colours"] == [f"#{bytes(colour).hex()}" for colour in grid(asset)[2]]
