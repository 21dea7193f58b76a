"""A provider that says nothing of its own prices prices the whole request by the catalog."""

from __future__ import annotations

import pytest

from image_studio.catalog.specs import models
from image_studio.providers.base import BaseProvider, InputRef, PictureRequest

TWO = models()["gpt-image-2"]
PICTURE = InputRef(asset="a", sha256="b")
MASK = InputRef(asset="c", sha256="d", role="mask")


@pytest.mark.parametrize(
    ("more", "likely", "most"),
    [
        ({}, 5_880, 5_880),
        ({"size": (1536, 1024), "quality": "high"}, 164_640, 164_640),
        ({"n": 2, "partial_images": 1}, 11_730 + 6_000, 11_730 + 6_000),
        ({"prompt": "tea!"}, 5_880 + 7 * 5, 5_880 + 10 * 5),
        ({"inputs": (PICTURE, PICTURE, MASK)}, 5_880 + 2 * 1536 * 8, 5_880 + 2 * 1536 * 8),
    ],
)
def test_all_of_a_request_is_priced(more, likely, most):
    price = BaseProvider("any").estimate(PictureRequest(**{"model": TWO.id, "quality": "low", **more}), TWO)
    assert (price.likely, price.most) == (likely, most)
