"""The provider of GPT Image in a process that kills itself at the point that ``STUDIO_KILL_AT`` names.

As if the power went: ``unsent`` (the attempt is committed, nothing is sent), ``begun`` (the first picture begins to
arrive), ``closing`` (the last bytes of the last picture are there, its end is not), ``seen`` (pictures flushed, the
answer's text not), ``flushed`` (the text is flushed, no picture has its name), ``naming`` (one picture has its name,
the next has none), ``named`` (everything is there but the manifest).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from image_studio import storage
from image_studio.providers import openai, openai_answer
from image_studio.providers.base import Answer
from image_studio.providers.openai_scan import Picture

POINT = "STUDIO_KILL_AT"


def die(*_args: Any, **_kwargs: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def after(real: Callable[..., Any], when: Callable[..., bool] = lambda *_args: True) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        made = real(*args, **kwargs)
        if when(*args):
            die()
        return made

    return wrapped


def arm(point: str, pictures: int) -> None:
    if point == "begun":
        openai_answer.Reader._begin = after(openai_answer.Reader._begin)
    elif point == "closing":
        last = openai_answer.part_of(Path(), pictures - 1).name
        Picture.close = after(Picture.close, lambda picture: picture.path.name == last)
    elif point == "seen":
        storage.put = after(storage.put, lambda path, _data: path.name == openai_answer.SEEN)
    elif point == "flushed":
        openai_answer._flush = after(openai_answer._flush)
    elif point == "naming":
        Path.replace = after(Path.replace, lambda _path, target: Path(target).name.startswith("output-"))
    elif point not in ("", "unsent", "named"):
        raise ValueError(f"there is no point {point}")


class Provider(openai.Provider):
    async def run(self, request: Any, inputs: Any, **told: Any) -> Answer:
        point = os.environ.get(POINT, "")
        streamed = request.n == 1 and request.partial_images
        arm(point, request.n + (request.partial_images if streamed else 0))
        if point == "unsent":
            die()
        answer = await super().run(request, inputs, **told)
        if point == "named":
            die()
        return answer
