"""What the tests of the fake server ask it with."""

from __future__ import annotations

import base64
import http.client
import io
import json
from typing import Any

from PIL import Image

from tests.fakes.openai_server import Fake

GENERATE = {"model": "gpt-image-2", "prompt": "A lighthouse", "size": "1024x640", "quality": "low"}


def post(fake: Fake, path: str, body: Any, key: str = "sk-test") -> tuple[int, dict[str, Any]]:
    """A plain POST of JSON: status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=10)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection.request("POST", path, json.dumps(body), headers if key else {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def encoded(picture: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


def png(size: tuple[int, int] = (96, 64), colour: Any = "red", mode: str = "RGB") -> tuple[str, bytes, str]:
    return "picture.png", encoded(Image.new(mode, size, colour)), "image/png"


def mask(size: tuple[int, int] = (96, 64)) -> tuple[str, bytes, str]:
    """Lets the left half through."""
    picture = Image.new("RGBA", size, (0, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    return "mask.png", encoded(picture), "image/png"


def opened(row: Any) -> Image.Image:
    picture = Image.open(io.BytesIO(base64.b64decode(row.b64_json)))
    picture.load()
    return picture
