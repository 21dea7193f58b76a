"""The kit as text and as a folder: ``brand.toml`` with its logos and fonts beside it, for git and other sites.

In a folder the files themselves are the truth, so that a ``brand.toml`` written by hand needs no sums; where it has
one, it is held against the file.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w
from PIL import ImageFont

from image_studio.brand.kit import Kit, KitFiles
from image_studio.brand.parts import Font, Layout, Logo
from image_studio.brand.places import line_of
from image_studio.brand.rules import safe_name
from image_studio.exceptions import ImageRefused, InvalidKit
from image_studio.imaging.decode import decode

NAME = "brand.toml"
MAX_TEXT = 1_000_000
MAX_FILE = 20_000_000
LOGO_FORMATS = ("png", "webp")
_WHERE = re.compile(r"\(at line (\d+), column (\d+)\)")
_ALWAYS = {Kit: ("default_locale", "locales"), Layout: ("channel",)}  # said even where they are the defaults


def dump(kit: Kit) -> str:
    """The kit as TOML, without what is a default anyway; :func:`parse` is the way back."""
    plain = _plain(kit)
    # A multi-line string would turn \r\n into \n.
    readable = "\r" not in "".join((kit.voice, kit.guidance, *(line.text for line in kit.lines)))
    return tomli_w.dumps(plain, multiline_strings=readable, indent=2)


def parse(text: str) -> Kit:
    """A kit from TOML.

    :raises InvalidKit: ``kit.broken_toml`` with line and column, or what does not hold, with ``place`` and ``line``
        (0 where the line could not be told).
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(error, text) from error
    try:
        return Kit.from_dict(plain)
    except InvalidKit as error:
        place = str(error.params["place"])
        line = line_of(text, place, str(error.params.get("key", "")))
        shown = f"{place} (line {line})" if line else place
        raise InvalidKit(error.code, **{**error.params, "place": shown, "line": line}) from error


def load_folder(path: Path) -> tuple[Kit, KitFiles]:
    """A kit and its files from a folder with a ``brand.toml``; the sums of the files are filled in.

    Logos pass the picture gate. Nothing outside the folder is read, also not through a link.

    :raises InvalidKit: for what is missing, too large, no logo, no font, or does not fit its sum.
    """
    kit = parse(_text(path))
    data = {item.file: _bytes(path, item.file) for item in kit.files}
    for item in kit.files:
        _inspect(item, data[item.file])
    logos = tuple(replace(logo, sha256=_sum(data[logo.file])) for logo in kit.logos)
    fonts = tuple(replace(font, sha256=_sum(data[font.file])) for font in kit.fonts)
    files = KitFiles(by_sum={_sum(value): value for value in data.values()})
    return replace(kit, logos=logos, fonts=fonts), files


def save_folder(kit: Kit, files: KitFiles, path: Path) -> None:
    """Write ``brand.toml`` and the kit's files below ``path``, which is made where it is not there.

    :raises InvalidKit: for a file that is missing, or two different ones under one name.
    :raises OSError: where the disk refuses.
    """
    contents = _contents(kit, files)
    bare = replace(
        kit,
        logos=tuple(replace(logo, sha256="") for logo in kit.logos),
        fonts=tuple(replace(font, sha256="") for font in kit.fonts),
    )
    path.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        target = path.joinpath(*name.split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        _not_outside(path, target, name)
        _write(target, data)
    _write(path / NAME, dump(bare).encode())  # last, so that a kit that can be read is whole


def _write(target: Path, data: bytes) -> None:
    """Whole or not at all: a full disk leaves the old file."""
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_bytes(data)
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in _unusual(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _unusual(value: Any) -> Iterator[tuple[str, Any]]:
    always = _ALWAYS.get(type(value), ())
    for f in fields(value):
        item = getattr(value, f.name)
        empty = item is None or (isinstance(item, Mapping) and not item)
        if not empty and (f.name in always or item != f.default):
            yield f.name, item


def _broken(error: tomllib.TOMLDecodeError, text: str) -> InvalidKit:
    found = _WHERE.search(str(error))
    line, column = (int(found[1]), int(found[2])) if found else (text.count("\n") + 1, 1)
    detail = str(error).partition(" (at ")[0]
    return InvalidKit("kit.broken_toml", line=line, column=column, detail=detail)


def _text(path: Path) -> str:
    data = _bytes(path, NAME, MAX_TEXT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidKit("kit.broken_toml", line=line, column=1, detail="not UTF-8") from error


def _bytes(folder: Path, name: str, most: int = MAX_FILE) -> bytes:
    if not safe_name(name):
        raise InvalidKit("kit.bad_file", place="brand", value=name)
    target = folder.joinpath(*name.split("/"))
    _not_outside(folder, target, name)
    if not target.is_file():  # a device or a pipe is none either, and would be read for ever
        raise InvalidKit("kit.no_such_file", file=name)
    try:
        with target.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InvalidKit("kit.unreadable_file", file=name, detail=error.strerror or "") from error
    if len(data) > most:
        raise InvalidKit("kit.file_too_large", file=name, limit=most)
    return data


def _not_outside(folder: Path, target: Path, name: str) -> None:
    """Names hold no ``..``; what is left to escape by is a link, of the file or of a folder on the way."""
    step = target
    while step != folder:
        if step.is_symlink():
            raise InvalidKit("kit.linked_file", file=name)
        step = step.parent


def _inspect(item: Logo | Font, data: bytes) -> None:
    if item.sha256 and item.sha256 != _sum(data):
        raise InvalidKit("kit.other_file", file=item.file, sha256=item.sha256[:12], found=_sum(data)[:12])
    if isinstance(item, Logo):
        check_logo(item.file, data)
    else:
        check_font(item.file, data)


def check_logo(name: str, data: bytes) -> None:
    """:raises InvalidKit: where the bytes are no PNG or WebP that the picture gate lets in."""
    try:
        found = decode(data).format
    except ImageRefused as error:
        raise InvalidKit("kit.bad_logo", name=name, reason=error.code) from error
    if found not in LOGO_FORMATS:
        raise InvalidKit("kit.logo_format", file=name, format=found, known=", ".join(LOGO_FORMATS))


def check_font(name: str, data: bytes) -> None:
    """:raises InvalidKit: where FreeType cannot open the bytes as a font."""
    try:
        ImageFont.truetype(io.BytesIO(data), 16)
    except OSError as error:
        raise InvalidKit("kit.bad_font", name=name) from error


def _contents(kit: Kit, files: KitFiles) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    taken: dict[str, str] = {NAME: ""}
    for item in kit.files:
        if not safe_name(item.file):
            raise InvalidKit("kit.bad_file", place="brand", value=item.file)
        # Folded, because macOS and Windows keep one file where we would write two.
        if taken.setdefault(item.file.casefold(), item.sha256) != item.sha256:
            raise InvalidKit("kit.twice", place="brand", value=item.file)
        found[item.file] = files.get(item.sha256)
    return found


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
