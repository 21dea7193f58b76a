"""The whole travel on previs: queue to checked cells, and what is left to see afterwards."""

from __future__ import annotations

import pytest

from image_studio.runner import drain
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_placeholder_set_ends_with_every_cell_composed_and_checked():
    brand = factories.make_brand()
    made = factories.make_set(
        brand, channels=factories.make_channels("square", "story"), locales=("en", "ar"), takes=2, shrink=4
    )

    assert drain() == 2

    cells = list(made.variants.select_related("asset"))
    assert len(cells) == 8
    for cell in cells:
        assert (cell.state, cell.error_code) == ("ready", "")
        assert cell.asset.size == (cell.channel_spec["width"], cell.channel_spec["height"])
        assert cell.asset.kind == "composed"
        assert cell.asset.verdicts.count() > 3
    made.refresh_from_db()
    assert made.finished_at is not None
