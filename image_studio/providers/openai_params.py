"""From a request to the parameters of ``images.generate`` and ``images.edit``, by what a server knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from image_studio.catalog.specs import names
from image_studio.providers.base import Finding, Input, PictureRequest

#: What servers of each dialect do not know, so that it is left out. The option ``strips`` says otherwise.
STRIPPED: Mapping[str, frozenset[str]] = {
    "openai": frozenset(),
    "azure": frozenset({"safety_identifier"}),
    "compatible": frozenset(
        {
            "background",
            "complexity",
            "input_fidelity",
            "markup",
            "moderation",
            "output_compression",
            "output_format",
            "partial_images",
            "quality",
            "safety_identifier",
            "stream",
        }
    ),
}
#: What a request has words of its own for. ``extra`` may not change what was priced, checked and shown.
OWN = frozenset(
    {
        "background",
        "complexity",
        "image",
        "image[]",
        "images",
        "input_fidelity",
        "markup",
        "mask",
        "model",
        "moderation",
        "n",
        "output_compression",
        "output_format",
        "partial_images",
        "prompt",
        "quality",
        "safety_identifier",
        "size",
        "stream",
        "user",
    }
)
#: Left out without a word: nobody misses them in the picture, or the answer tells what was used instead.
QUIET = frozenset({"safety_identifier", "stream", "partial_images", "size", "quality", "output_format"})


def edits(request: PictureRequest) -> bool:
    """Whether there is a picture to work from."""
    return any(ref.role in ("source", "reference") for ref in request.inputs)


def parameters(
    request: PictureRequest, inputs: tuple[Input, ...], *, model: str, strips: frozenset[str], stream: bool
) -> dict[str, Any]:
    """Keywords for the SDK. Size and quality are always said: what a model chooses by itself has no price.

    :param model: the name that the server knows it by.
    """
    kept = {name: value for name, value in _named(request, stream=stream).items() if name not in strips}
    kept = {"model": model, "prompt": request.prompt, **kept}
    if not edits(request):
        return {**kept, **_body(request, {})}
    # images.edit() has no moderation, the endpoint's own description has.
    body = {"moderation": kept.pop("moderation")} if "moderation" in kept else {}
    return {**kept, **_files(inputs, strips), **_body(request, body)}


def _named(request: PictureRequest, *, stream: bool) -> dict[str, Any]:
    """What is said with a value; what a request leaves open is left out."""
    width, height = request.size
    said: dict[str, Any] = {
        "n": request.n,
        "size": f"{width}x{height}",
        "quality": request.quality,
        "output_format": request.output_format,
        "background": request.background,
        "output_compression": request.compression,
        "moderation": request.moderation or None,
        "complexity": request.complexity or None,
        "input_fidelity": request.fidelity if request.fidelity and edits(request) else None,
        "safety_identifier": request.user_key or None,
        "stream": True if stream else None,
        "partial_images": request.partial_images if stream and request.partial_images else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _files(inputs: tuple[Input, ...], strips: frozenset[str]) -> dict[str, Any]:
    """Name, bytes and type of each: the API turns away a file without a type. Sources stand before references."""
    order = ("source", "reference")
    pictures = sorted((item for item in inputs if item.ref.role in order), key=lambda item: order.index(item.ref.role))
    found: dict[str, Any] = {"image": [(item.name, item.data, item.mime) for item in pictures]}
    for item in inputs:
        if item.ref.role in ("mask", "markup") and item.ref.role not in strips:
            found[item.ref.role] = (item.name, item.data, item.mime)
    return found


def _body(request: PictureRequest, more: Mapping[str, Any]) -> dict[str, Any]:
    body = {**request.extra, **more}
    return {"extra_body": body} if body else {}


def stripped(request: PictureRequest, strips: frozenset[str]) -> list[str]:
    """What a request says that is not sent."""
    return sorted(strips & set(_named(request, stream=request.partial_images > 0)))


def findings(request: PictureRequest, strips: frozenset[str]) -> Iterator[Finding]:
    """What a server of this dialect would ignore, and what ``extra`` may not say."""
    roles = {ref.role for ref in request.inputs} & {"mask", "markup"} & strips
    asked = {name for name in stripped(request, strips) if name not in QUIET and not _idle(request, name)}
    for name in sorted(asked | roles):
        yield Finding(code="provider.stripped", params={"option": name}, where=name)
    taken = sorted(name for name in request.extra if _plain(name) in OWN)
    if taken:
        yield Finding(code="provider.extra_taken", params={"taken": names(taken)}, where="extra")


def _plain(name: str) -> str:
    """A name as servers read it that are not strict: ``n[]`` and ``N`` are ``n`` to some."""
    return name.partition("[")[0].strip().lower()


def _idle(request: PictureRequest, name: str) -> bool:
    """Whether a value asks for nothing that a server would not do without it."""
    return (name == "background" and request.background == "auto") or (name == "n" and request.n == 1)
