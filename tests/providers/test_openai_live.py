"""One real picture for a real key, about a cent: ``OPENAI_API_KEY=... python -m pytest -m live tests/providers``."""

import asyncio
import os

import pytest

from image_studio import conf
from image_studio.imaging.decode import decode
from image_studio.providers.base import PictureRequest
from image_studio.providers.openai import Provider

pytestmark = pytest.mark.live

#: Micro-USD: with a dearer estimate nothing is sent.
MOST = 10_000


def test_a_real_picture_is_what_was_ordered_and_costs_what_was_said(settings, tmp_path):
    if not os.environ.get("OPENAI_API_KEY"):
        pytest.skip("OPENAI_API_KEY is not set: nothing was bought")
    settings.IMAGE_STUDIO = {"PROVIDERS": {"openai": {"BACKEND": "image_studio.providers.openai"}}}
    request = PictureRequest(model="gpt-image-2", prompt="a clay jug on a table", size=(1024, 640), quality="low")
    provider, spec = Provider("openai"), conf.model("openai", request.model)
    assert provider.supports(request, spec) == ()
    price = provider.estimate(request, spec)
    assert price.most <= MOST
    answer = asyncio.run(provider.run(request, (), spool=tmp_path, deadline=180.0))
    (output,) = answer.outputs
    assert decode(output.path.read_bytes()).size == request.size
    assert answer.request_id
    assert "usage_missing" not in answer.effective
    assert 0 < answer.micro_usd <= price.most
    print(f"billed {answer.micro_usd}, estimated {price.likely} to {price.most} micro-USD; usage {dict(answer.usage)}")
