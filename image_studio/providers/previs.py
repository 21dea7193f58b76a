"""The provider on this machine: free, deterministic, without any model.

*Reframe* (a source is given) makes real variants of that picture: crops, punch-ins, extended canvases. Its
pictures may be published, with a true source type. *Placeholder* (no source) paints a stand-in in the brand's
palette, so that a whole matrix can be laid out before anything is spent. What it cannot do it refuses.

``quality`` means: ``low`` a draft (bilinear resampling, drawn at a quarter of the size, JPEG and WebP 70),
``medium`` for screens (bicubic, half, 82), ``high`` for release (Lanczos, full size, 92). Pictures are of the
asked size at every quality. ``compression`` replaces the encoder's quality, as with other providers.

``extra`` knows one option: ``take``, the number of the first take (0 without it); further pictures count on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from PIL import Image

from image_studio import storage
from image_studio.catalog.specs import ModelSpec, names
from image_studio.exceptions import ImageRefused, ProviderRefused, ProviderUnavailable
from image_studio.imaging.backdrop import paint
from image_studio.imaging.colour import parse_hex
from image_studio.imaging.decode import EXTENSIONS, Picture, decode
from image_studio.imaging.metadata import SOURCE_TYPES
from image_studio.imaging.recompose import Reframed, reframe
from image_studio.imaging.renditions import encode
from image_studio.providers.base import Answer, BaseProvider, Finding, Input, OnPartial, Output, PictureRequest

T = TypeVar("T")

BACKGROUNDS = ("auto", "opaque", "transparent")
#: Takes beyond this are only ever finer variations.
MAX_TAKE = 999
#: Photographs and scans: extending their canvas by algorithm changes what they are. Drawn, rendered, composed and
#: generated pictures keep their own term, which says more. Terms: IPTC Digital Source Type.
CAPTURES = frozenset(
    {
        "",
        "computationalCapture",
        "digitalCapture",
        "humanEdits",
        "minorHumanEdits",
        "multiFrameComputationalCapture",
        "negativeFilm",
        "positiveFilm",
        "print",
    }
)


class Grade(NamedTuple):
    """What a quality means: drawing resolution, resampling and encoder quality."""

    detail: float
    resample: Image.Resampling
    encoder: int


GRADES = {
    "low": Grade(0.25, Image.Resampling.BILINEAR, 70),
    "medium": Grade(0.5, Image.Resampling.BICUBIC, 82),
    "high": Grade(1.0, Image.Resampling.LANCZOS, 92),
}


@dataclass(frozen=True, kw_only=True)
class _Made:
    """One picture with what is said about it."""

    image: Image.Image
    source_type: str
    facts: Mapping[str, Any]


class Provider(BaseProvider):
    """Reframe and Placeholder.

    :param max_threads: pictures in work at once; they are made outside the event loop.
    :param delay: seconds that every picture takes longer, to play a slow provider in demos and tests.
    """

    repeatable = True

    def __init__(self, alias: str, *, max_threads: int = 2, delay: float = 0.0, **options: Any) -> None:
        super().__init__(alias, **options)
        if max_threads < 1 or delay < 0:
            raise ValueError(f"max_threads must be 1 or more and delay 0 or more, not {max_threads} and {delay}")
        self.delay, self.max_threads = delay, max_threads
        self._threads = ThreadPoolExecutor(max_workers=max_threads, thread_name_prefix="previs")

    def supports(self, request: PictureRequest, spec: ModelSpec) -> tuple[Finding, ...]:
        return tuple(finding for check in _CHECKS for finding in check(request, spec))

    async def run(
        self,
        request: PictureRequest,
        inputs: tuple[Input, ...],
        *,
        spool: Path,
        deadline: float,
        on_partial: OnPartial | None = None,
    ) -> Answer:
        """Make the pictures, ``n`` files ``output-<index>.<ext>`` in ``spool``.

        :raises ProviderRefused: ``provider.source_broken`` for a source that is no picture.
        :raises ProviderUnavailable: ``provider.deadline``; nothing was charged, send it again.
        :raises StorageFailed: where the disk refuses.
        """
        stop = threading.Event()
        try:
            async with asyncio.timeout(deadline):
                made = await self._all(_Work(request, inputs, spool, stop), on_partial)
        except TimeoutError as error:
            raise ProviderUnavailable("provider.deadline", seconds=round(deadline, 1)) from error
        finally:
            stop.set()
        return Answer(
            outputs=tuple(output for output, _facts in made),
            request_id=f"previs-{request.digest[:24]}",
            effective=_effective(request, [facts for _output, facts in made]),
        )

    async def _all(self, work: _Work, on_partial: OnPartial | None) -> list[tuple[Output, Mapping[str, Any]]]:
        """All pictures, as many at once as there are threads; the first error stops the rest."""
        source = await self._off_loop(work.source)
        room = asyncio.Semaphore(self.max_threads)

        async def one(index: int) -> tuple[Output, Mapping[str, Any]]:
            async with room:
                return await self._one(work, source, index, on_partial)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(index)) for index in range(work.request.n)]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _one(
        self, work: _Work, source: Picture | None, index: int, on_partial: OnPartial | None
    ) -> tuple[Output, Mapping[str, Any]]:
        made = await self._off_loop(partial(work.make, source, index))
        early = work.request.partial_images if on_partial else 0
        for number in range(early):
            await asyncio.sleep(self.delay / (early + 1))
            if on_partial:
                await on_partial(index, number, await self._off_loop(partial(work.early, made, number)))
        await asyncio.sleep(self.delay / (early + 1))
        path = await self._off_loop(partial(work.write, made, index))
        return Output(index=index, path=path, source_type=made.source_type), made.facts

    async def _off_loop(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


class _GivenUp(Exception):
    """The run is over; a thread that is still at work stops at its next step."""


@dataclass(frozen=True)
class _Work:
    """What threads do for one request. None of it touches the event loop or the database."""

    request: PictureRequest
    inputs: tuple[Input, ...]
    spool: Path
    stop: threading.Event

    def source(self) -> Picture | None:
        """The source picture, decoded once for all takes; None for placeholders."""
        if not self.inputs:
            return None
        try:
            return decode(self.inputs[0].data)
        except ImageRefused as error:
            raise ProviderRefused("provider.source_broken", reason=error.code, name=self.inputs[0].name) from error

    def make(self, source: Picture | None, index: int) -> _Made:
        self._check()
        take = int(self.request.extra.get("take", 0)) + self.request.first + index
        return self._painted(take) if source is None else self._reframed(source, take)

    def early(self, made: _Made, number: int) -> bytes:
        """An early version: the same picture small, each one twice as sharp as the one before."""
        self._check()
        smaller = 2 ** (self.request.partial_images - number)
        size = max(1, made.image.width // smaller), max(1, made.image.height // smaller)
        return self._encoded(made.image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), made.source_type)

    def write(self, made: _Made, index: int) -> Path:
        self._check()
        data = self._encoded(made.image, made.source_type)
        name = f"output-{index}.{EXTENSIONS[self.request.output_format]}"
        self._check()
        try:
            self.spool.mkdir(parents=True, exist_ok=True)
            return storage.put(self.spool / name, data)
        except OSError as error:
            raise storage.failed(error, name, "storage.write_failed") from error

    def _check(self) -> None:
        if self.stop.is_set():
            raise _GivenUp

    def _painted(self, take: int) -> _Made:
        request, grade = self.request, GRADES[self.request.quality]
        image = paint(
            request.size,
            request.palette,
            seed=request.seed,
            take=take,
            prompt=request.prompt,
            transparent=request.background == "transparent",
            detail=grade.detail,
        )
        facts = {"take": take, "method": "placeholder", "box": None, "upscaled": 1.0, "extended": False}
        return _Made(image=image, source_type="algorithmicMedia", facts=facts)

    def _reframed(self, source: Picture, take: int) -> _Made:
        request, palette = self.request, self.request.palette
        keep = request.background == "auto" and source.has_alpha and request.output_format != "jpeg"
        done = reframe(
            source.image,
            request.size,
            focal=self.inputs[0].ref.focal,
            take=take,
            seed=request.seed,
            ground=palette[(take // 4) % len(palette)] if palette else None,
            transparent=keep or request.background == "transparent",
            resample=GRADES[request.quality].resample,
        )
        origin = self.inputs[0].source_type or source.source_type
        return _Made(image=done.image, source_type=_source_type(origin, done), facts=_facts(take, done))

    def _encoded(self, image: Image.Image, source_type: str) -> bytes:
        wanted = self.request.compression
        quality = GRADES[self.request.quality].encoder if wanted is None else max(1, wanted)
        known = source_type if source_type in SOURCE_TYPES else ""
        return encode(image, self.request.output_format, quality=quality, source_type=known).data


def _source_type(origin: str, done: Reframed) -> str:
    """A crop is what its source is; an extended photograph is an enhanced one; what says more is kept."""
    return "algorithmicallyEnhanced" if done.extended and origin in CAPTURES else origin


def _facts(take: int, done: Reframed) -> dict[str, Any]:
    return {
        "take": take,
        "method": done.method,
        "box": list(done.box),
        "upscaled": done.upscaled,
        "extended": done.extended,
    }


def _effective(request: PictureRequest, pictures: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "size": list(request.size),
        "quality": request.quality,
        "output_format": request.output_format,
        "background": request.background,
        "seed": request.seed,
        "outputs": [dict(facts) for facts in pictures],
    }


def _sources(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    roles = [ref.role for ref in request.inputs]
    if "mask" in roles and not spec.takes_mask:
        yield Finding(code="provider.mask", params={"model": spec.title}, where="inputs")
    if "reference" in roles:
        yield Finding(code="provider.reference", params={"model": spec.title}, where="inputs")
    count = roles.count("source")
    if spec.needs_source is True and not count:
        yield Finding(code="provider.needs_source", params={"model": spec.title}, where="inputs")
    if spec.needs_source is False and count:
        yield Finding(code="provider.takes_no_source", params={"model": spec.title}, where="inputs")
    if spec.needs_source is not False and count > 1:
        yield Finding(code="provider.one_source", params={"model": spec.title, "count": count}, where="inputs")
    for ref in request.inputs:
        if ref.focal and not all(0 <= place <= 1 for place in ref.focal):
            yield Finding(code="provider.focal", params={"x": ref.focal[0], "y": ref.focal[1]}, where="inputs")


def _instruction(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    if request.prompt.strip() and not spec.takes_instruction:
        yield Finding(code="provider.instruction", params={"model": spec.title}, where="prompt")


def _size(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    width, height = request.size
    facts = {"width": width, "height": height}
    if min(request.size) < max(1, spec.min_edge) or max(request.size) > spec.max_edge:
        limits = {"least": spec.min_edge, "most": spec.max_edge}
        yield Finding(code="provider.size", params={**facts, **limits}, where="size")
    elif width * height > spec.max_pixels:
        yield Finding(code="provider.pixels", params={**facts, "most": spec.max_pixels}, where="size")


def _count(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    if not 1 <= request.n <= spec.max_n:
        yield Finding(code="provider.count", params={"count": request.n, "most": spec.max_n}, where="n")
    if not 0 <= request.partial_images <= spec.max_partials:
        facts = {"count": request.partial_images, "most": spec.max_partials}
        yield Finding(code="provider.partials", params=facts, where="partial_images")


def _choices(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    qualities, formats = set(spec.qualities) & set(GRADES), set(spec.formats) & set(EXTENSIONS)
    rows = (
        ("quality", request.quality, qualities),
        ("output_format", request.output_format, formats),
        ("background", request.background, BACKGROUNDS),
    )
    for where, value, known in rows:
        if value not in known:
            facts = {"option": where, "value": value, "known": names(known)}
            yield Finding(code="provider.choice", params=facts, where=where)


def _transparency(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    if request.background != "transparent":
        return
    if not spec.transparent:
        yield Finding(code="provider.transparent", params={"model": spec.title}, where="background")
    if request.output_format == "jpeg":
        yield Finding(code="provider.transparent_jpeg", where="background")


def _compression(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    if request.compression is None:
        return
    if request.output_format == "png":
        yield Finding(code="provider.compression_png", where="compression")
    if not 0 <= request.compression <= 100:
        yield Finding(code="provider.compression", params={"value": request.compression}, where="compression")


def _palette(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    for colour in request.palette:
        try:
            parse_hex(colour)
        except ValueError:
            yield Finding(code="provider.colour", params={"colour": colour}, where="palette")


def _extra(request: PictureRequest, spec: ModelSpec) -> Iterator[Finding]:
    unknown = sorted(set(request.extra) - {"take"})
    if unknown:
        yield Finding(code="provider.extra", params={"unknown": names(unknown), "known": "take"}, where="extra")
    take = request.extra.get("take", 0)
    if not isinstance(take, int) or isinstance(take, bool) or not 0 <= take <= MAX_TAKE:
        yield Finding(code="provider.take", params={"value": str(take), "most": MAX_TAKE}, where="extra")


_CHECKS = (_sources, _instruction, _size, _count, _choices, _transparency, _compression, _palette, _extra)
