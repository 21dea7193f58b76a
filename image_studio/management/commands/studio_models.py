"""``manage.py studio_models``: the catalog, what stands on models that end, and the way to the next one."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from image_studio import conf as site
from image_studio.catalog.lifecycle import phase
from image_studio.catalog.moving import price_at
from image_studio.catalog.specs import ModelSpec
from image_studio.exceptions import InvalidRequest, ProviderError
from image_studio.management.base import FINDINGS, StudioCommand, brand_of
from image_studio.management.moving import Move, move_of, price_rows, snippet
from image_studio.management.trying import comparisons, confirm, placed
from image_studio.models import Brand
from image_studio.wording import explain, explain_error
from image_studio.workflow.lifecycle import Use, uses
from image_studio.workflow.probing import Probe, probe_of, run_probe

USUAL = (1024, 1024)
#: Micro-USD that a probe may cost where nobody says otherwise.
CAP = 50_000
CHECK_KEYS = ("kind", "name", "provider", "model", "ends_on", "days", "notice", "follower")
MOVE_KEYS = (
    *("route", "provider", "size", "old_quality", "new_quality"),
    *("old_micro_usd", "new_micro_usd", "difference_micro_usd", "settings"),
)
COMPARE_KEYS = ("prompt", "variant_set", "compare", "state", "micro_usd")
PROBE_KEYS = (
    *("route", "provider", "model", "size", "quality"),
    *("estimated_micro_usd", "most_micro_usd", "billed_micro_usd", "usage_missing", "request_id", "fault"),
)


class Command(StudioCommand):
    """Without options lists the catalog of this site's providers."""

    help = (
        "Lists models, their dates, prices and routes. --check looks for what stands on a model that ends within 30 "
        "days (exit status 1), --from OLD --to NEW says what to change, --probe ROUTE buys one small picture."
    )
    keys: tuple[str, ...] = ("model", "provider", "phase", "ends_on", "replaced_by", "routes", "micro_usd")

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="exit status 1 when something stands on an end")
        parser.add_argument("--from", default="", dest="old", metavar="OLD", help="the model that goes")
        parser.add_argument("--to", default="", dest="new", metavar="NEW", help="the model that follows")
        parser.add_argument("--prompts", action="store_true", help="with --from and --to: new versions of prompts")
        parser.add_argument("--compare", nargs="+", default=[], metavar="PROMPT", help="buy these on both models")
        parser.add_argument("--brand", default="", help="of the prompts; of a probe: who pays")
        parser.add_argument("--channel", action="append", default=[], help="of the comparison; repeatable")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a prompt variable")
        parser.add_argument("--probe", default="", metavar="ROUTE", help="buy one small picture on a route")
        parser.add_argument("--max-micro-usd", type=int, default=CAP, help=f"the most that may be spent ({CAP})")
        parser.add_argument("--yes", action="store_true", help="spend without asking again")
        parser.add_argument("--no-wait", action="store_true", help="leave a comparison to a running worker")

    def run(self, **options: Any) -> int:
        _judge(options)
        if options["check"]:
            return self._check(options)
        if options["probe"]:
            return self._probe(options)
        if options["old"]:
            return self._move(options)
        self.lines(_catalog(), as_json=options["json"])
        return 0

    def _check(self, options: dict[str, Any]) -> int:
        self.keys = CHECK_KEYS
        found = uses(self.policy)
        self.lines((row for use in found for row in _stands(use)), as_json=options["json"])
        return FINDINGS if any(use.close for use in found) else 0

    def _move(self, options: dict[str, Any]) -> int:
        move = move_of(options["old"], options["new"])
        if options["compare"]:
            return self._compare(move, options)
        self.keys = MOVE_KEYS if options["json"] else MOVE_KEYS[:-1]
        self.lines(price_rows(move), as_json=options["json"])
        if not options["json"]:
            self.stdout.write(snippet(move))
        if options["prompts"]:
            self.stderr.write(explain("moving.prompts"))
        return 0

    def _compare(self, move: Move, options: dict[str, Any]) -> int:
        self.keys = COMPARE_KEYS
        found = comparisons(self.policy, move, options)
        price = sum((one.price for one in found[1:]), found[0].price)
        pictures = sum(one.old.pictures + one.new.pictures for one in found)
        confirm(price, pictures=pictures, model=move.new.id, options=options)
        rows = (placed(self.policy, one, wait=not options["no_wait"]) for one in found)
        printed = self.lines(rows, as_json=options["json"])
        wanted = {"ready", "waiting"} if options["no_wait"] else {"ready"}
        return 0 if all(set(row["state"]) <= wanted for row in printed) else FINDINGS

    def _probe(self, options: dict[str, Any]) -> int:
        self.keys = PROBE_KEYS
        probe = probe_of(options["probe"])
        confirm(probe.price, pictures=1, model=probe.model.id, options=options)
        brand = self._payer(probe, options["brand"])
        try:
            answer = run_probe(probe, self.policy, brand)
        except ProviderError as error:
            self.stderr.write(explain_error(error))
            return FINDINGS
        fault = next((output.fault for output in answer.outputs if output.fault), "")
        row = {
            "route": probe.route.name,
            "provider": probe.route.provider,
            "model": probe.model.id,
            "size": "x".join(str(edge) for edge in probe.request.size),
            "quality": probe.request.quality,
            "estimated_micro_usd": probe.price.likely,
            "most_micro_usd": probe.price.most,
            "billed_micro_usd": answer.micro_usd,
            "usage_missing": bool(answer.effective.get("usage_missing")),
            "request_id": answer.request_id,
            "fault": fault,
        }
        self.lines([row], as_json=options["json"])
        return FINDINGS if fault else 0

    def _payer(self, probe: Probe, slug: str) -> Brand | None:
        """In whose ledger a probe stands: the brand that is named, or the only one. None where nobody pays.

        :raises InvalidRequest: ``brand.unknown``, ``probe.name_the_brand``.
        """
        if slug:
            return brand_of(slug)
        if probe.price.free:
            return None
        brands = list(Brand.objects.order_by("slug")[:20])
        if len(brands) > 1:
            raise InvalidRequest("probe.name_the_brand", known=", ".join(brand.slug for brand in brands))
        if not brands:
            self.stderr.write(explain("probe.no_brand"))
        return brands[0] if brands else None


def _judge(options: dict[str, Any]) -> None:
    """:raises InvalidRequest: for options that do not go together."""
    if bool(options["old"]) != bool(options["new"]):
        raise InvalidRequest("moving.both")
    if sum((options["check"], bool(options["probe"]), bool(options["old"]))) > 1:
        raise InvalidRequest("moving.one_task")
    for name in ("prompts", "compare"):
        if options[name] and not options["old"]:
            raise InvalidRequest("moving.only_with", option=f"--{name}")


def _catalog() -> Iterator[dict[str, Any]]:
    routes = site.routes().values()
    for alias in site.conf().providers:
        for spec in site.models_of(alias).values():
            yield {
                "model": spec.id,
                "provider": alias,
                "phase": phase(spec, site.today()),
                "ends_on": spec.ends_on.isoformat() if spec.ends_on else None,
                "replaced_by": list(spec.replaced_by),
                "routes": [one.name for one in routes if (one.provider, one.model) == (alias, spec.id)],
                "micro_usd": _prices(spec),
            }


def _prices(spec: ModelSpec) -> dict[str, int | None]:
    """One picture of 1024 x 1024 at each quality, without prompt and inputs."""
    found = {quality: price_at(spec, USUAL, quality) for quality in spec.qualities}
    return {quality: price.likely if price else None for quality, price in found.items()}


def _stands(use: Use) -> Iterator[dict[str, Any]]:
    """A line for each route, and one for all jobs that wait."""
    facts = {
        "provider": use.spec.provider,
        "model": use.spec.id,
        "ends_on": use.on.isoformat(),
        "days": use.days,
        "notice": use.notice,
    }
    for one in use.routes:
        follower = one.switch.new.model if one.switch else None
        yield {**facts, "kind": "route", "name": one.route.name, "follower": follower}
    if use.jobs:
        yield {**facts, "kind": "jobs", "name": str(use.jobs), "follower": ", ".join(use.spec.replaced_by) or None}
