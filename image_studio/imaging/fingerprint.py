"""A 64-bit perceptual hash: near-duplicates lie a few bits apart.

The bits are those of ``imagehash.phash`` on the same grey picture, so hashes of other systems can be compared. Large
pictures are first averaged down in whole blocks to about 128 pixels, which changes the grey picture that is hashed,
not the method: against ``imagehash.phash`` of the full picture, coefficients next to the median may fall on its other
side (0 to 2 bits on the photographs tested, up to 12 on flat drawings). Coefficients are rounded to a millionth, so
that a flat picture hashes alike on every machine.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

_SIDE = 32
_KEPT = 8
#: Below this edge nothing is averaged first.
_REDUCED = 128
_BITS = 64


def _cosines() -> np.ndarray:
    """The first 8 rows of the DCT-II of length 32, unnormalised, as in scipy.fftpack.dct."""
    frequency, sample = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    cosines: np.ndarray = 2 * np.cos(np.pi * frequency * (2 * sample + 1) / (2 * _SIDE))
    return cosines


_DCT = _cosines()


def fingerprint(image: Image.Image) -> int:
    """The perceptual hash of a picture, 0 to 2**64 - 1. Transparency counts as white."""
    small = _grey(image).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    pixels = np.frombuffer(small.tobytes(), dtype=np.uint8).reshape(_SIDE, _SIDE)
    low = (_DCT @ pixels @ _DCT.T).round(6).ravel()
    ranked = np.sort(low)  # a median of 64; numpy's own costs more than the transform
    bits = low > (ranked[_BITS // 2 - 1] + ranked[_BITS // 2]) / 2
    return int.from_bytes(np.packbits(bits).tobytes())


def _grey(image: Image.Image) -> Image.Image:
    """Averaged before it turns grey: one pass over the large picture instead of two."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    factor = min(image.size) // _REDUCED
    return (image.reduce(factor) if factor > 1 else image).convert("L")


def distance(one: int, other: int) -> int:
    """In how many of the 64 bits two fingerprints differ. Up to about 10 means the same picture."""
    return (one ^ other).bit_count()


def signed(value: int) -> int:
    """A fingerprint as a signed 64-bit integer, as a BIGINT column stores it."""
    return value - (1 << _BITS) if value >> (_BITS - 1) else value


def unsigned(value: int) -> int:
    """The fingerprint of a signed 64-bit integer."""
    return value & ((1 << _BITS) - 1)


def bands(value: int) -> tuple[int, int, int, int]:
    """Four 16-bit parts, highest first. Fingerprints up to distance 7 share a band within 1 bit."""
    return (value >> 48 & 0xFFFF, value >> 32 & 0xFFFF, value >> 16 & 0xFFFF, value & 0xFFFF)
