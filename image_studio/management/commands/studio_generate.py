"""``manage.py studio_generate``: the main job from the shell."""

from __future__ import annotations

import json
import uuid
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from image_studio.brand.kit import SLUG
from image_studio.exceptions import InvalidRequest
from image_studio.management.base import FINDINGS, StudioCommand, brand_of, channels_of, named, pairs_of, read_file
from image_studio.models import Asset, Brand, PromptVersion, VariantSet
from image_studio.runner import drain
from image_studio.wording import explain
from image_studio.workflow import Cell, Matrix, ingest, preview, prompt_of_words, request, sheet
from image_studio.workflow.options import OPTIONS

_HELP = {
    "background": "auto, opaque or transparent",
    "output_format": "of the bought picture: png, jpeg or webp",
    "compression": "0 to 100, for jpeg and webp",
    "fidelity": "how closely the source is kept: low or high, where the model takes it",
    "moderation": "the provider's own filter: auto or low",
    "complexity": "how much the model plans: low, medium or high, where it takes it",
    "partial_images": "early versions of each picture, charged as 100 tokens each",
    "references": "id of one more picture to work from; repeatable",
    "mask": "id of a picture that is transparent where the source may change",
    "markup": "id of a picture with hints drawn over the source",
}


class Command(StudioCommand):
    """Make a variant set and, unless told otherwise, run it here to its end."""

    help = "Generates brand-safe variants from a prompt or a picture; exit status 1 when a cell failed."
    keys = ("variant", "channel", "locale", "state", "asset", "verdicts", "micro_usd", "message")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "prompt", nargs="?", default="", metavar="PROMPT", help="a prompt's short name, or its words in quotes"
        )
        parser.add_argument("--brand", required=True)
        parser.add_argument("--route", required=True)
        parser.add_argument("--source", default="", help="a file, or the id of a picture in the library")
        parser.add_argument("--channel", action="append", default=[], help="repeatable; all where none is given")
        parser.add_argument("--locale", action="append", default=[], help="repeatable; the brand's default locale")
        parser.add_argument("--count", type=int, default=1, help="takes per channel")
        parser.add_argument("--sharing", default="ratio", help="ratio or key_visual")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a prompt variable")
        parser.add_argument(
            "--text", action="append", default=[], metavar="KEY:LOCALE=WORDS", help="a line of this set"
        )
        for option in OPTIONS.values():
            if option.name != "extra":
                flag = f"--{option.name.replace('_', '-').removesuffix('s')}"
                many: dict[str, Any] = {"action": "append"} if option.kind == "pictures" else {}
                parser.add_argument(flag, dest=option.name, default=None, help=_HELP[option.name], **many)
        parser.add_argument(
            "--option", action="append", default=[], metavar="NAME=VALUE", help="passed on to the provider as it is"
        )
        parser.add_argument("--key", default="", help="idempotency key: the same key gives the same set")
        parser.add_argument("--no-wait", action="store_true", help="leave the work to a running worker")

    def run(self, **options: Any) -> int:
        matrix = self._matrix(options)
        for finding in preview(self.policy, matrix).findings:
            self.stderr.write(f"{finding.where}: {explain(finding.code, finding.params)}")
        variant_set = request(self.policy, matrix, key=options["key"] or str(uuid.uuid4()))
        if not options["no_wait"]:
            drain(job_ids=list(variant_set.jobs.values_list("pk", flat=True)))
        return self._report(variant_set, options)

    def _report(self, variant_set: VariantSet, options: dict[str, Any]) -> int:
        shown = sheet(self.policy, variant_set)
        rows = self.lines((_row(cell) for cell in shown.cells), as_json=options["json"])
        ended = {"ready"} if not options["no_wait"] else {"ready", "waiting", "working"}
        return 0 if all(row["state"] in ended for row in rows) else FINDINGS

    def _matrix(self, options: dict[str, Any]) -> Matrix:
        brand = brand_of(options["brand"])
        return Matrix(
            brand=brand,
            route=options["route"],
            channels=channels_of(options["channel"]),
            locales=tuple(dict.fromkeys(options["locale"])) or (brand.kit.default_locale,),
            takes=options["count"],
            source=self._source(brand, options["source"]),
            prompt_version=self._prompt(brand, options["prompt"]),
            variables=pairs_of(options["set"]),
            texts=_texts(options["text"]),
            sharing=options["sharing"],
            options=_options(options),
        )

    def _prompt(self, brand: Brand, said: str) -> PromptVersion | None:
        if not said:
            return None
        if SLUG.fullmatch(said):
            return named(brand.prompts.all(), said, "request.unknown_prompt", prompt=said).version()
        return prompt_of_words(self.policy, brand, said)

    def _source(self, brand: Brand, source: str) -> Asset | None:
        if not source:
            return None
        if Path(source).is_file():
            return ingest(self.policy, brand, read_file(source), name=Path(source).name, origin="import").asset
        try:
            return Asset.objects.get(pk=uuid.UUID(source), brand=brand)
        except (ValueError, ValidationError, Asset.DoesNotExist):
            raise InvalidRequest("asset.unknown", asset=source) from None


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """What the flags say, and ``--option`` as JSON where it is, else as text."""
    found = {name: given.get(name) for name in OPTIONS if name != "extra"}
    for name in [option.name for option in OPTIONS.values() if option.kind == "whole" and found[option.name]]:
        found[name] = _whole(name, str(found[name]))
    return {**found, "extra": {name: _value(text) for name, text in pairs_of(given["option"]).items()}}


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest("option.wrong_type.whole", option=name) from None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _texts(given: list[str]) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {}
    for text in given:
        place, equals, words = text.partition("=")
        key, colon, locale = place.partition(":")
        if not (equals and colon and key and locale):
            raise InvalidRequest("request.bad_text", text=text)
        texts.setdefault(key, {})[locale] = words
    return texts


def _row(cell: Cell) -> dict[str, Any]:
    return {
        "variant": str(cell.variant.pk),
        "channel": cell.variant.channel.slug,
        "locale": cell.variant.locale,
        "state": cell.status,
        "asset": str(cell.asset.pk) if cell.asset else None,
        "verdicts": dict(Counter(cell.counts)),
        # A cell is composed free; its picture's cost is the job's, counted once per picture.
        "micro_usd": _share(cell),
        "message": cell.message,
    }


def _share(cell: Cell) -> int:
    job = cell.variant.job
    return job.cost_micro_usd // max(1, job.n)
