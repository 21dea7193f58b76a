"""What the tests of edit histories share: a site whose paid routes lead to the fake server, and steps that are done."""

from __future__ import annotations

import io
import itertools
from contextlib import contextmanager

from PIL import Image

from image_studio import storage
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.chains import start_chain
from image_studio.workflow.step_orders import request_step
from image_studio.workflow.steps import StepOrder
from tests.fakes.openai_server import serve
from tests.workflow.paid import paid_settings

OPERATOR = Policy.operator()
LEFT = (0.1, 0.2, 0.3, 0.4)
_keys = itertools.count(1)


@contextmanager
def paid_site(settings, tmp_path, **changes):
    """Settings whose ``openai`` is the fake server, which is given."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    with serve(ledger=tmp_path / "ledger.jsonl") as server:
        options = {"api_key": "sk-test", "base_url": server.base_url}
        rows = paid_settings(**changes)
        rows["PROVIDERS"]["openai"] = {**rows["PROVIDERS"]["openai"], "OPTIONS": options}
        settings.IMAGE_STUDIO = rows
        yield server


def chain_from(asset, policy=OPERATOR, **fields):
    return start_chain(policy, asset.brand, asset, **fields)


def ask(chain, policy=OPERATOR, *, work=True, **order):
    """A step on the quick route, made by a worker unless told otherwise."""
    chain.refresh_from_db()
    values = {"instruction": "Make the bottle green", "route": "quick", **order}
    step = request_step(policy, chain, StepOrder(**values), key=f"step-{next(_keys)}")
    if work:
        drain()
        step.refresh_from_db()
        step.job.refresh_from_db()
    return step


def picture(asset):
    return Image.open(io.BytesIO(storage.read(storage.private(), asset.file, asset.sha256)))
