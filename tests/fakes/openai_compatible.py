"""Servers that speak the protocol and little more: unknown fields are refused, answers are addresses, no usage."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from tests.fakes import openai_errors as errors
from tests.fakes import openai_uploads
from tests.fakes.openai_errors import Problem
from tests.fakes.openai_models import Model
from tests.fakes.openai_requests import Order
from tests.fakes.openai_wire import Body

FIELDS = frozenset({"model", "prompt", "n", "size", "response_format"})


def check(body: Body, *, edit: bool) -> Order:
    """The order in a request to such a server; any model id will do.

    :raises Problem: what it would have answered.
    """
    uploads = {"image", "image[]", "mask"} if edit else set()
    for name in (*body.fields, *(upload.param for upload in body.uploads)):
        if name not in FIELDS | uploads:
            raise Problem(f"Unrecognized field: {name}", code=None, param=name)
    values = body.fields
    for name in ("model", "prompt"):
        if not isinstance(values.get(name), str) or not values[name]:
            raise errors.missing(name)
    images = tuple(upload for upload in body.uploads if upload.param != "mask")
    mask = next((upload for upload in body.uploads if upload.param == "mask"), None)
    model = Model(id=values["model"], family="compatible", released=date.min)
    if edit and not images:
        raise errors.missing("image")
    openai_uploads.check(images, mask, None, model)
    return Order(
        edit=edit,
        model=model,
        prompt=values["prompt"],
        size=_size(values.get("size", "1024x1024")),
        n=_number(values.get("n", 1)),
        images=images,
        mask=mask,
        priced=False,
        by_url=values.get("response_format") != "b64_json",
    )


def _size(text: Any) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{1,3})x([1-9]\d{1,3})", str(text))
    if not found:
        raise Problem(f"Invalid size: {text}", code=None, param="size")
    return int(found[1]), int(found[2])


def _number(given: Any) -> int:
    if not re.fullmatch(r"[1-9]|10", str(given)):
        raise Problem(f"Invalid n: {given}", code=None, param="n")
    return int(given)
