"""``manage.py studio_estimate --model M``: what a request would cost, to the token."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from image_studio import conf as site
from image_studio.catalog import sizes
from image_studio.catalog.pricing import Count, Price, count, price_of
from image_studio.catalog.specs import ModelSpec, names
from image_studio.exceptions import InvalidRequest, Unsupported
from image_studio.management.base import FINDINGS, StudioCommand
from image_studio.wording import explain_error


class Command(StudioCommand):
    """Prices any model of the catalog, also one that ended and one that no provider of this site sells."""

    help = "Prices a request before anything is spent; exit status 1 when nobody knows the price."
    keys = ("output_tokens", "input_tokens", "micro_usd", "estimated")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", required=True)
        parser.add_argument("--size", default="1024x1024", metavar="WxH")
        parser.add_argument("--quality", default="high")
        parser.add_argument("--n", type=int, default=1, help="pictures of one request")
        parser.add_argument("--image", nargs="+", action="extend", default=[], metavar="WxH", help="input pictures")
        parser.add_argument("--prompt", default="", help="counted as text input; left out unless given")
        parser.add_argument("--fidelity", default="", choices=["", "low", "high"], help="of the input pictures")
        parser.add_argument("--partial-images", type=int, default=0, help="early versions of each picture")
        parser.add_argument("--provider", default="", help="its alias, where two sell the model")

    def run(self, **options: Any) -> int:
        spec = _model(options["model"], options["provider"])
        try:
            tokens, price = _priced(spec, options)
        except Unsupported as error:
            if error.code != "price.unknown":
                raise
            self.stderr.write(explain_error(error))
            return FINDINGS
        self.lines([_line(tokens, price)], as_json=options["json"])
        if price.most != price.likely and not options["json"]:
            self.stdout.write(f"At most {price.most} micro-USD.")
        return 0


def _model(name: str, alias: str) -> ModelSpec:
    known = site.models_of(alias) if alias else {**site.catalog(), **site.models()}
    if name not in known:
        raise InvalidRequest("request.unknown_model", model=name, known=names(known))
    return known[name]


def _priced(spec: ModelSpec, options: dict[str, Any]) -> tuple[Count, Price]:
    size = _size(options["size"])
    _judge(spec, size, options)
    if spec.free:
        return Count(), Price()
    tokens = count(
        spec,
        n=options["n"],
        size=size,
        quality=options["quality"],
        prompt=options["prompt"],
        inputs=[_size(text) for text in options["image"]],
        fidelity=options["fidelity"],
        partial_images=options["partial_images"],
    )
    return tokens, price_of(spec, tokens)


def _judge(spec: ModelSpec, size: tuple[int, int], options: dict[str, Any]) -> None:
    """What the model does not make has no price."""
    for fault in spec.size_faults(*size):
        raise Unsupported(fault.code, **fault.params)
    for option, code, least, most in (
        ("n", "provider.count", 1, spec.max_n),
        ("partial_images", "provider.partials", 0, spec.max_partials),
    ):
        if not least <= options[option] <= most:
            raise Unsupported(code, count=options[option], most=most)


def _size(text: str) -> tuple[int, int]:
    try:
        return sizes.parse(text)
    except ValueError as error:
        raise InvalidRequest("request.bad_size", text=text) from error


def _line(tokens: Count, price: Price) -> dict[str, Any]:
    return {
        "output_tokens": tokens.image_out.likely,
        "input_tokens": tokens.image_in.likely + tokens.text_in.likely,
        "micro_usd": price.likely,
        "estimated": price.estimated,
    }
