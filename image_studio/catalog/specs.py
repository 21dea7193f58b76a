"""The catalog's frozen values, and those that ship with the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cache
from typing import Any

from image_studio.catalog import reading
from image_studio.catalog.sizes import SizeFault, nearest_size, size_faults


@dataclass(frozen=True, kw_only=True)
class ChannelSpec:
    """Where a picture goes.

    :param width: in pixels, as is ``height``.
    :param safe: how much of the top, right, bottom and left edge the channel's own furniture may cover,
        as fractions of the height (top, bottom) and of the width (right, left).
    :param max_bytes: weight limit of the delivered file; 0 is none.
    :param formats: of ``png``, ``jpeg``, ``webp``; the first is delivered.
    :param as_of: when the figures were last read; sources disagree, so they are editable data.
    """

    slug: str
    name: str
    width: int
    height: int
    safe: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    max_bytes: int = 0
    formats: tuple[str, ...] = ("jpeg",)
    as_of: date | None = None
    source: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def safe_box(self) -> tuple[int, int, int, int]:
        """The rectangle that stays visible: left, top, width, height in pixels."""
        top, right, bottom, left = self.safe
        x, y = round(self.width * left), round(self.height * top)
        return x, y, self.width - x - round(self.width * right), self.height - y - round(self.height * bottom)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as a cell keeps them; :meth:`from_dict` is the way back."""
        plain = asdict(self)
        as_of = self.as_of.isoformat() if self.as_of else None
        return {**plain, "safe": list(self.safe), "formats": list(self.formats), "as_of": as_of}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ChannelSpec:
        as_of = date.fromisoformat(plain["as_of"]) if plain.get("as_of") else None
        lists = {key: tuple(plain[key]) for key in ("safe", "formats") if key in plain}
        return cls(**{**plain, **lists, "as_of": as_of})


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What one model of one provider can do, what it costs and when it ends.

    :param needs_source: True must have an input picture, False must not, None may.
    :param publishable: whether its pictures may ever be released.
    :param max_n: pictures in one request.
    :param family: what snapshots and siblings share, for example ``gpt-image-2.5``.
    :param snapshot_of: id of the model that this is a dated snapshot of.
    :param sizes: ``WxH`` where the model has only these; else the rules from ``min_edge`` to ``max_ratio`` hold.
    :param max_ratio: long edge to short edge; 0 is no rule.
    :param experimental_pixels: the provider promises less above this many pixels; 0 is nowhere.
    :param refused_formats: formats that the provider has and this package does not take.
    :param fidelity: values of ``input_fidelity`` that may be sent; empty: it must be left out.
    :param max_input_bytes: of one input picture, as ``max_mask_bytes`` of the mask; 0 is no limit.
    :param max_prompt: in characters; 0 is no limit.
    :param prices: nano-USD per token (as many as micro-USD per 1,000 tokens) of ``text_in``, ``text_cached_in``,
        ``image_in``, ``image_cached_in``, ``image_out``, ``text_out``; in rows written as USD per 1,000,000 tokens.
    :param output_tokens: how output is counted, see :mod:`image_studio.catalog.tokens`.
    :param input_rule: how input pictures are counted: ``patches``, ``tiles``, or empty for unknown.
    :param text_overhead: text tokens that the provider adds to a prompt, and for each input picture.
    :param unpriced: a site's word that the model may run although nobody knows its price.
    :param source: where the capabilities were read, as ``price_source`` for the prices.
    :param limits: by the provider's tier: tokens per minute and images per minute.
    :param ends_on: the last day; past it the model is refused.
    :param replaced_by: what the provider names in its place, best first.
    """

    id: str
    provider: str
    title: str = ""
    needs_source: bool | None = None
    publishable: bool = True
    min_edge: int = 16
    max_edge: int = 4096
    max_pixels: int = 8_294_400
    max_n: int = 10
    qualities: tuple[str, ...] = ("low", "medium", "high")
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    transparent: bool = False
    takes_instruction: bool = True
    takes_mask: bool = False
    max_partials: int = 0
    free: bool = False
    family: str = ""
    snapshot_of: str = ""
    sizes: tuple[str, ...] = ()
    edge_multiple: int = 1
    min_pixels: int = 0
    max_ratio: float = 0.0
    experimental_pixels: int = 0
    refused_formats: tuple[str, ...] = ()
    fidelity: tuple[str, ...] = ()
    takes_markup: bool = False
    complexity: tuple[str, ...] = ()
    moderations: tuple[str, ...] = ()
    max_inputs: int = 1
    max_input_bytes: int = 0
    max_mask_bytes: int = 0
    max_prompt: int = 0
    streams: bool = False
    prices: Mapping[str, int] = field(default_factory=dict, hash=False)
    output_tokens: Mapping[str, Any] = field(default_factory=dict, hash=False)
    input_rule: str = ""
    text_overhead: tuple[int, int] = (0, 0)
    unpriced: bool = False
    price_source: str = ""
    price_checked_on: date | None = None
    source: str = ""
    checked_on: date | None = None
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)
    released: date | None = None
    deprecated: date | None = None
    ends_on: date | None = None
    replaced_by: tuple[str, ...] = ()

    def ended(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.ends_on is not None and today > self.ends_on

    def size_faults(self, width: int, height: int) -> tuple[SizeFault, ...]:
        """Every rule of this model that a size in pixels breaks; empty means it is made."""
        return size_faults(self, width, height)

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        """The size in pixels that this model makes and that comes nearest, rather larger than smaller."""
        return nearest_size(self, width, height)


@dataclass(frozen=True, kw_only=True)
class RouteStep:
    """A model and a quality that a route leads to."""

    model: str
    quality: str


@dataclass(frozen=True, kw_only=True)
class RouteSpec:
    """What people choose instead of a model id: a provider, a model and a quality under one name.

    :param then: what follows, in order, when the model before has ended, see :mod:`image_studio.catalog.lifecycle`.
    """

    name: str
    title: str
    provider: str
    model: str
    quality: str = "high"
    summary: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    then: tuple[RouteStep, ...] = ()

    @property
    def steps(self) -> tuple[RouteStep, ...]:
        """Everything that the route may lead to, in order."""
        return RouteStep(model=self.model, quality=self.quality), *self.then


def model_from(row: Mapping[str, Any], *, base: ModelSpec | None = None) -> ModelSpec:
    """A model of a row of TOML or settings. A new one begins with what its ``family`` shares.

    :raises ValueError: for an unknown key, price or date.
    :raises TypeError: where ``id`` or ``provider`` is missing.
    """
    shared = {} if base else reading.shipped("models.toml")["family"].get(row.get("family"), {})
    return reading.build(ModelSpec, {**shared, **row}, base=base)


def route_from(row: Mapping[str, Any], *, base: RouteSpec | None = None) -> RouteSpec:
    """A route of a row of TOML or settings; ``then`` is a list of ``{model, quality}``.

    :raises ValueError: for an unknown key.
    :raises TypeError: where a field is missing.
    """
    then = {"then": tuple(_step(step) for step in row["then"])} if "then" in row else {}
    return reading.build(RouteSpec, {**row, **then}, base=base)


def _step(step: RouteStep | Mapping[str, Any]) -> RouteStep:
    return step if isinstance(step, RouteStep) else reading.build(RouteStep, step)


@cache
def channels() -> Mapping[str, ChannelSpec]:
    """The shipped channels by slug."""
    rows = reading.shipped("channels.toml")["channel"]
    return reading.listed((reading.build(ChannelSpec, row) for row in rows), "slug")


@cache
def models() -> Mapping[str, ModelSpec]:
    """The shipped models by id, of every vendor."""
    return reading.listed((model_from(row) for row in reading.shipped("models.toml")["model"]), "id")


@cache
def routes() -> Mapping[str, RouteSpec]:
    """The shipped routes by name, of every vendor."""
    return reading.listed((route_from(row) for row in reading.shipped("models.toml")["route"]), "name")


def names(items: Iterable[str]) -> str:
    """A readable list for messages: ``a, b, c``."""
    return ", ".join(sorted(items))
