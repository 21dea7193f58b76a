"""What a POST carries, taken apart: JSON or multipart, plain fields and uploaded pictures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from PIL import Image, ImageOps

from tests.fakes.openai_errors import Problem

KINDS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_DATA_URL = 20_971_520


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One uploaded picture, with the type its part claims."""

    param: str
    mime: str
    data: bytes = field(repr=False)
    name: str = ""

    def told(self) -> dict[str, Any]:
        """As the ledger shows it."""
        return {
            "field": self.param,
            "name": self.name,
            "mime": self.mime,
            "bytes": len(self.data),
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }

    def picture(self) -> Image.Image:
        """The picture as it is stored, its header read.

        :raises Problem: when it is none, or of another kind than its part claims.
        """
        try:
            picture = Image.open(io.BytesIO(self.data), formats=[KINDS[self.mime]])
            picture.load()
        except (OSError, ValueError, SyntaxError) as error:
            raise Problem(
                f"Invalid image file or mode for '{self.param}', please check your image file.",
                code="invalid_image_file",
                param=self.param,
            ) from error
        return picture

    def upright(self) -> Image.Image:
        return ImageOps.exif_transpose(self.picture())


@dataclass(frozen=True, kw_only=True)
class Body:
    """A request taken apart. ``typed`` is False where every value arrived as text."""

    fields: dict[str, Any]
    uploads: list[Upload]
    typed: bool


def read_body(content_type: str, body: bytes) -> Body:
    """:raises Problem: when it is neither JSON nor multipart."""
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() == "multipart/form-data":
        return _multipart(str(header.get_param("boundary", "")), body)
    if header.get_content_type() != "application/json":
        raise Problem(f"Unsupported content type: '{content_type}'.", status=415, code="unsupported_content_type")
    try:
        plain = json.loads(body)
    except ValueError as error:
        raise Problem("We could not parse the JSON body of your request.", code=None) from error
    if not isinstance(plain, dict):
        raise Problem("The JSON body of your request is not an object.", code=None)
    return Body(fields={key: value for key, value in plain.items() if value is not None}, uploads=[], typed=True)


def _multipart(boundary: str, body: bytes) -> Body:
    if not boundary:
        raise Problem("Missing boundary in multipart body.", code=None)
    fields: dict[str, Any] = {}
    uploads: list[Upload] = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = BytesHeaderParser().parsebytes(head)
        name = str(headers.get_param("name", "", header="content-disposition"))
        filename = headers.get_filename()
        if filename is not None or "content-type" in headers:
            uploads.append(Upload(param=name, mime=headers.get_content_type(), data=content, name=filename or ""))
            continue
        if name in fields:
            raise Problem(f"Duplicate parameter: '{name}'.", code="duplicate_parameter", param=name)
        fields[name] = content.decode()
    return Body(fields=fields, uploads=uploads, typed=False)


def by_reference(reference: Any, param: str) -> Upload:
    """The picture a JSON edit names; this server knows data URLs only, since it fetches nothing.

    :raises Problem: for anything else.
    """
    if not isinstance(reference, dict) or set(reference) not in ({"image_url"}, {"file_id"}):
        raise Problem("Provide exactly one of 'image_url' or 'file_id'.", param=param)
    if "file_id" in reference:
        raise Problem(f"No such File object: {reference['file_id']}", status=404, code="file_not_found", param=param)
    url = str(reference["image_url"])
    head, comma, content = url.partition(",")
    if len(url) > MAX_DATA_URL:
        raise Problem("String too long.", code="string_above_max_length", param=param)
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise Problem("Failed to download the image.", code="invalid_image_url", param=param)
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise Problem("Invalid base64 image_url.", code="invalid_base64_image", param=param) from error
    return Upload(param=param, mime=head.removeprefix("data:").removesuffix(";base64"), data=data)
