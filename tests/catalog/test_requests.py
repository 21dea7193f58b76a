"""A provider that says nothing of its own prices prices the whole request by the catalog."""

from __future__ import annotations

import pytest

from image_studio.catalog.specs import models
from image_studio.providers.base import BaseProvider, InputRef, PictureRequest

TWO = models()["gpt-image-2"]
PICTURE = InputRef(asset="a", sha256="b")
SQUARE = InputRef(asset="a", sha256="b", size=(1024, 1024))
MASK = InputRef(asset="c", sha256="d", role="mask")


@pytest.mark.parametrize(
    ("more", "likely", "most"),
    [
        ({}, 5_880, 5_880),
        ({"size": (1536, 1024), "quality": "high"}, 164_640, 164_640),
        ({"n": 2, "partial_images": 1}, 11_730 + 6_000, 11_730 + 6_000),
        ({"prompt": "tea!"}, 5_880 + 7 * 5, 5_880 + 10 * 5),
        ({"inputs": (PICTURE, PICTURE, MASK)}, 5_880 + 2 * 1536 * 8, 5_880 + 2 * 1536 * 8),
        ({"inputs": (SQUARE, MASK)}, 5_880 + 1024 * 8, 5_880 + 1024 * 8),
        ({"inputs": (SQUARE, PICTURE)}, 5_880 + (1024 + 1536) * 8, 5_880 + (1024 + 1536) * 8),
    ],
)
def test_all_of_a_request_is_priced(more, likely, most):
    price = BaseProvider("any").estimate(PictureRequest(**{"model": TWO.id, "quality": "low", **more}), TWO)
    assert (price.likely, price.most) == (likely, most)


def test_an_input_whose_size_is_not_known_keeps_its_digest():
    """Of an order that was stored before sizes were: it is the same order still."""
    old = PictureRequest(model=TWO.id, inputs=(PICTURE,))
    assert list(old.to_dict()["inputs"][0]) == ["asset", "sha256", "role", "focal"]
    assert old.digest == "cb15e330b80485c4adb192b9bfb7e1832ecac2cba6ee4ca63477d55a33109ef8"


def test_an_input_comes_back_as_it_was_stored():
    for ref in (PICTURE, SQUARE, InputRef(asset="a", sha256="b", focal=(0.25, 0.5), size=(3, 2))):
        asked = PictureRequest(model=TWO.id, inputs=(ref,))
        assert PictureRequest.from_dict(asked.to_dict()) == asked
