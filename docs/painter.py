"""Plays the model where the documentation's pictures are made: what may change gets the colour that was asked for.

Settings of the example site with the paid routes on it are here too: no key, no network, nothing is bought.
"""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image, ImageFilter

from config.settings import *  # noqa: F403 - a settings module: the example's own, and one provider more
from config.settings import IMAGE_STUDIO as EXAMPLE
from image_studio.providers.base import Answer, BaseProvider, Input, Output, PictureRequest

IMAGE_STUDIO = {
    **EXAMPLE,
    "PROVIDERS": {
        "previs": {"BACKEND": "image_studio.providers.previs"},
        "openai": {"BACKEND": "docs.painter"},
    },
}
#: Words of a prompt -> how much of red, green and blue is left.
COLOURS = {
    "green": (0.45, 1.0, 0.5),
    "blue": (0.45, 0.65, 1.15),
    "evening": (1.12, 0.86, 0.62),
    "darker": (0.55, 0.55, 0.6),
}


class Provider(BaseProvider):
    """A painter with a tin of each colour. It redraws the whole picture a little, as real models do."""

    repeatable: ClassVar[bool] = True

    def supports(self, request: PictureRequest, spec: Any) -> tuple[()]:
        return ()

    async def run(
        self,
        request: PictureRequest,
        inputs: tuple[Input, ...],
        *,
        spool: Path,
        deadline: float,
        on_partial: Any = None,
    ) -> Answer:
        outputs = tuple([await asyncio.to_thread(_painted, request, inputs, spool, k) for k in range(request.n)])
        price = 13_000 * request.n
        return Answer(outputs=outputs, effective={"size": list(request.size)}, micro_usd=price)


def _painted(request: PictureRequest, inputs: tuple[Input, ...], spool: Path, index: int) -> Output:
    first = Image.open(io.BytesIO(inputs[0].data)).convert("RGB").resize(request.size, Image.Resampling.LANCZOS)
    mask = next((Image.open(io.BytesIO(one.data)) for one in inputs if one.ref.role == "mask"), None)
    may = _open(mask, request.size)
    # The first line is the person's; what the brand has to say of colours comes after it.
    asked = request.prompt.lower().partition("\n")[0]
    shade = next((tint for word, tint in COLOURS.items() if word in asked), (1.0, 1.0, 1.0))
    pixels = np.asarray(first, dtype=np.float32)
    grey = pixels.mean(axis=-1, keepdims=True)
    painted = (grey * (0.9 - 0.12 * index) + pixels * (0.1 + 0.12 * index)) * np.array(shade, dtype=np.float32)
    mixed = pixels * 1.012 * (1 - may) + painted * may
    path = spool / f"output-{index}"
    Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)).save(path, "PNG")
    return Output(index=index, path=path, source_type="compositeWithTrainedAlgorithmicMedia")


def _open(mask: Image.Image | None, size: tuple[int, int]) -> Any:
    """Where the picture may change, from 0 to 1; everywhere, and not too much, where nobody said."""
    if mask is None:
        return np.full((size[1], size[0], 1), 0.45, dtype=np.float32)
    alpha = mask.convert("RGBA").getchannel("A").resize(size).filter(ImageFilter.GaussianBlur(4))
    return 1 - np.asarray(alpha, dtype=np.float32)[..., None] / 255
