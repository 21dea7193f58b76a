"""Logo masters: decoded through the gate, trimmed to their ink, scaled, and chosen by what lies under them."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from PIL import Image

from image_studio.exceptions import ImageRefused, InvalidKit
from image_studio.imaging import colour, legibility
from image_studio.imaging.decode import decode
from image_studio.imaging.geometry import Box
from image_studio.imaging.layers import LogoLayer, LogoVersion

#: Alpha (0 to 255) up to which a pixel does not count as ink: resampling leaves such a haze around logos.
HAZE = 8
#: Ground luminance above which only versions for light, and below which only versions for dark grounds are
#: taken. Between the two black and white differ little in contrast, so the better measured version wins.
LIGHT_FROM, DARK_TO = 0.36, 0.09
KEPT = 24

K = TypeVar("K")

_lock = threading.Lock()
_masters: OrderedDict[str, Image.Image] = OrderedDict()
_scaled: OrderedDict[tuple[str, int, int], Image.Image] = OrderedDict()


def master(version: LogoVersion) -> Image.Image:
    """The logo in full size, RGBA, without the transparent border around its ink; cached by SHA-256.

    :raises InvalidKit: ``kit.bad_logo`` when the file is no picture or shows nothing.
    """
    key = _key(version)
    found = _recall(_masters, key)
    if found is None:
        found = _keep(_masters, key, _decoded(version))
    return found


def ink_size(version: LogoVersion) -> tuple[int, int]:
    """Width and height of the master's ink in pixels."""
    return master(version).size


def scaled(version: LogoVersion, size: tuple[int, int]) -> Image.Image:
    """The logo at ``size``, cached: a matrix places the same few over and over. Not to be drawn on."""
    key = (_key(version), *size)
    found = _recall(_scaled, key)
    if found is None:
        drawn = master(version).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        found = _keep(_scaled, key, drawn)
    return found


def by_ground(picture: Image.Image, layer: LogoLayer, spots: Mapping[str, Box]) -> LogoVersion:
    """The version drawn for the ground that lies where it would stand."""
    if len(layer.versions) == 1:
        return layer.versions[0]
    grounds = {version.name: legibility.pixels(picture, spots[version.name]) for version in layer.versions}
    ground = float(np.median(colour.luminance(grounds[layer.versions[0].name])))
    return max(
        eligible(layer, ground), key=lambda version: legibility.low_contrast(_tone(version), grounds[version.name])
    )


def eligible(layer: LogoLayer, ground: float) -> tuple[LogoVersion, ...]:
    """The versions that may stand on a ground of that luminance."""
    if DARK_TO <= ground <= LIGHT_FROM:
        return layer.versions
    for wanted in ("light" if ground > LIGHT_FROM else "dark", "any"):
        fitting = tuple(version for version in layer.versions if version.on == wanted)
        if fitting:
            return fitting
    return layer.versions


def _tone(version: LogoVersion) -> float:
    """The median luminance of the ink."""
    pixels = np.asarray(scaled(version, _thumb(master(version).size)))
    ink = pixels[pixels[..., 3] > 127][:, :3]
    return float(np.median(colour.luminance(ink))) if len(ink) else 0.0


def _thumb(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, 96 / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _decoded(version: LogoVersion) -> Image.Image:
    try:
        image = decode(version.data).image.convert("RGBA")
    except ImageRefused as error:
        raise InvalidKit("kit.bad_logo", name=version.name) from error
    ink = image.getchannel("A").point([0] * (HAZE + 1) + [255] * (255 - HAZE)).getbbox()
    if ink is None:
        raise InvalidKit("kit.bad_logo", name=version.name)
    return image.crop(ink)


def _key(version: LogoVersion) -> str:
    return version.sha256 or hashlib.sha256(version.data).hexdigest()


def _recall(cache: OrderedDict[K, Image.Image], key: K) -> Image.Image | None:
    with _lock:
        if key in cache:
            cache.move_to_end(key)
        return cache.get(key)


def _keep(cache: OrderedDict[K, Image.Image], key: K, image: Image.Image) -> Image.Image:
    with _lock:
        cache[key] = image
        while len(cache) > KEPT:
            cache.popitem(last=False)
    return image
