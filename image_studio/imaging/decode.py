"""The picture gate: the one door for uploads, imports, logos, masks and provider answers.

A file is judged by its content, before any decoder of it runs: kind, size, frames. Then it is decoded whole,
turned upright, put into sRGB and stripped. What is appended to a picture (an archive, a page) is accepted and never
reaches a derived file, because every derived file is written anew from the pixels.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageChops, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from image_studio.exceptions import ImageRefused
from image_studio.imaging import containers, metadata, profiles
from image_studio.imaging.sniffing import ACCEPTED, sniff

__all__ = ["DEFAULT_LIMITS", "MIMES", "Limits", "Picture", "decode", "sharing", "sniff", "upright"]

MIMES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif"}
EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp", "avif": "avif"}

# The classes themselves, not Image.open: nothing but these three can be reached, no MPO reader is tried, and no
# warning is sent to the site. Limits are ours and are checked before.
_READERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the gate lets in. Bytes and pixels; edges in pixels.

    :param animated: take the first frame of an animated PNG or WebP instead of refusing it.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 50_000_000
    max_edge: int = 16_384
    min_edge: int = 1
    animated: bool = False


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded picture: upright, sRGB, mode ``RGB`` or ``RGBA``, without metadata.

    The mode is ``RGBA`` only where at least one pixel is not opaque.

    :param format: of the bytes as they came: ``png``, ``jpeg`` (also for MPO) or ``webp``.
    :param weight: bytes as they came.
    :param stored_size: before orientation.
    :param source_type: IPTC digital source type found in the file, for example ``trainedAlgorithmicMedia``.
    """

    image: Image.Image = field(repr=False)
    format: str
    sha256: str
    weight: int
    stored_size: tuple[int, int]
    orientation: int
    had_profile: bool
    source_type: str
    has_gps: bool

    @property
    def size(self) -> tuple[int, int]:
        return self.image.size

    @property
    def mime(self) -> str:
        return MIMES[self.format]

    @property
    def extension(self) -> str:
        return EXTENSIONS[self.format]

    @property
    def has_alpha(self) -> bool:
        return self.image.mode == "RGBA"


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Judge and decode a file.

    :raises ImageRefused: ``image.empty``, ``image.not_accepted`` (kind), ``image.too_heavy`` (weight, limit),
        ``image.too_large`` (width, height, limit), ``image.too_long`` (width, height, limit), ``image.too_small``
        (width, height, limit), ``image.animated`` (kind, frames) or ``image.broken`` (kind).
    """
    contents = _admit(data, limits)
    orientation = metadata.orientation_of(contents.exif, contents.xmp)
    image = upright(_clean(contents), orientation)
    return Picture(
        image=image,
        format=contents.format,
        sha256=hashlib.sha256(data).hexdigest(),
        weight=len(data),
        stored_size=contents.size,
        orientation=orientation,
        had_profile=bool(contents.icc),
        source_type=metadata.source_type_in(contents.xmp),
        has_gps=metadata.has_gps(contents.exif, contents.xmp),
    )


def _admit(data: bytes, limits: Limits) -> containers.Contents:
    """Everything that can be said about a file before a decoder sees it."""
    kind = sniff(data)
    if kind == "empty":
        raise ImageRefused("image.empty")
    if len(data) > limits.max_bytes:
        raise ImageRefused("image.too_heavy", weight=len(data), limit=limits.max_bytes)
    if kind not in ACCEPTED:
        raise ImageRefused("image.not_accepted", kind=kind)
    contents = containers.read(kind, data)
    _check_size(contents.size, limits, kind)
    if contents.frames > 1 and not limits.animated:
        raise ImageRefused("image.animated", kind=kind, frames=contents.frames)
    return contents


def _check_size(size: tuple[int, int], limits: Limits, kind: str) -> None:
    width, height = size
    if min(size) < 1:
        raise containers.broken(kind)
    if max(size) > limits.max_edge:
        raise ImageRefused("image.too_long", width=width, height=height, limit=limits.max_edge)
    if width * height > limits.max_pixels:
        raise ImageRefused("image.too_large", width=width, height=height, limit=limits.max_pixels)
    if min(size) < limits.min_edge:
        raise ImageRefused("image.too_small", width=width, height=height, limit=limits.min_edge)


def _clean(contents: containers.Contents) -> Image.Image:
    """The pixels in sRGB, ``RGB`` or ``RGBA``, as a plain image without metadata."""
    try:
        image, alpha = _colour_and_alpha(contents)
        image = profiles.to_srgb(image, contents.icc)
        return sharing(_joined(image, alpha))
    except ImageRefused:
        raise
    except Exception as error:  # decoders fail in a dozen types; with bytes from outside it is the file
        raise containers.broken(contents.format) from error


def _open(contents: containers.Contents, rawmode: str = "") -> Image.Image:
    """Fully loaded. ``rawmode`` reads the samples another way, for the low bytes of 16 bits."""
    with _whole_files_only():
        opened = _READERS[contents.format](io.BytesIO(contents.pixels))
        if opened.size != contents.size:
            raise containers.broken(contents.format)
        if rawmode:
            opened.tile = [tile._replace(args=rawmode) for tile in opened.tile]  # noqa: SLF001
        opened.load()
    return opened


def _colour_and_alpha(contents: containers.Contents) -> tuple[Image.Image, Image.Image | None]:
    """The picture as ``L``, ``RGB``, ``RGBA`` or ``CMYK``, and an alpha band where it lies apart."""
    image = _open(contents)
    if image.mode == "P":
        return image.convert("RGBA" if "transparency" in image.info else "RGB"), None
    if image.mode == "LA":
        return image.getchannel("L"), image.getchannel("A")
    if image.mode == "I;16":
        return _sixteen_bit_grey(np.asarray(image), contents.key)
    if image.mode == "1":
        image = image.convert("L")
    return image, _colour_key(image, contents)


def _sixteen_bit_grey(samples: np.ndarray, key: tuple[int, ...]) -> tuple[Image.Image, Image.Image | None]:
    """Scaled to 8 bits and rounded, v / 257; in strips, because a whole 50 megapixels would take three times 100 MB."""
    grey = np.empty(samples.shape, dtype=np.uint8)
    for top in range(0, len(samples), 256):
        strip = samples[top : top + 256]
        grey[top : top + 256] = (strip - (strip >> 8) + 128) >> 8
    alpha = Image.fromarray(np.multiply(samples != key[0], 255, dtype=np.uint8)) if key else None
    return Image.fromarray(grey), alpha


def _colour_key(image: Image.Image, contents: containers.Contents) -> Image.Image | None:
    """The alpha band of a transparent colour. Compared at full depth: equal high bytes are not an equal colour."""
    if not contents.key:
        return None
    bands = list(image.split())
    if contents.depth == 16:
        bands += _open(contents, "RGB;16L").split()
        keys = [value >> 8 for value in contents.key] + [value & 255 for value in contents.key]
    else:
        keys = [value * 255 // ((1 << contents.depth) - 1) for value in contents.key]
    return _keyed(bands, keys)


def _keyed(bands: list[Image.Image], keys: list[int]) -> Image.Image | None:
    """Transparent where every band has its key's value."""
    alpha: Image.Image | None = None
    for band, key in zip(bands, keys, strict=True):
        differs = band.point([0 if value == key else 255 for value in range(256)])
        alpha = differs if alpha is None else ImageChops.lighter(alpha, differs)
    return alpha


def _joined(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    if alpha is not None:
        image.putalpha(alpha)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255:
        return image.convert("RGB")
    return image


def sharing(image: Image.Image) -> Image.Image:
    """A plain image without metadata on the same pixels; a copy would double the memory of the largest pictures.

    Neither of the two may be drawn on afterwards while the other is in use.
    """
    image.load()
    plain = image._new(image.im)  # noqa: SLF001
    plain.info = {}
    return plain


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """A picture as it is stored, turned by its EXIF orientation (1 to 8); any other number leaves it as it is."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


class _Strictness:
    """How many decodes want whole files just now, and what the site had set before them."""

    lock = threading.Lock()
    inside = 0
    before = False


@contextmanager
def _whole_files_only() -> Iterator[None]:
    """Pillow's LOAD_TRUNCATED_IMAGES off: sites that set it would let half a picture through this gate."""
    with _Strictness.lock:
        if not _Strictness.inside:
            _Strictness.before = ImageFile.LOAD_TRUNCATED_IMAGES
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        _Strictness.inside += 1
    try:
        yield
    finally:
        with _Strictness.lock:
            _Strictness.inside -= 1
            if not _Strictness.inside:
                ImageFile.LOAD_TRUNCATED_IMAGES = _Strictness.before
