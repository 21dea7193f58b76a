"""What an archive's pictures become in this library: each through the gate, and none more real than it can be.

No client writes provenance. What the bytes say of their source counts; what the archive says can only make a picture
more artificial, and end its rights earlier. Everything else that it tells is kept as told, and believed by nobody.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from image_studio import conf as site
from image_studio.exceptions import ImageRefused, InvalidRequest
from image_studio.imaging.decode import Limits, Picture, decode
from image_studio.imaging.fingerprint import fingerprint, signed
from image_studio.imaging.renditions import Encoded, blur_placeholder, preview
from image_studio.models import Asset, Brand, Rendition, uuid7
from image_studio.policy import Policy
from image_studio.runner.filing import Filing
from image_studio.wording import explain_error
from image_studio.workflow.chain_document import CandidateDoc, Document, HeatDoc, PictureDoc, StepDoc
from image_studio.workflow.chain_pack import Pack
from image_studio.workflow.library import limits

_TRAINED, _MIXED = "trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"
#: How artificial a term says that a picture is; every other term counts as 0: it claims something real.
_ARTIFICIAL = {_TRAINED: 3, _MIXED: 2, "compositeSynthetic": 1, "algorithmicMedia": 1}
_HEAT = Limits(max_bytes=5_000_000, max_edge=2_048)
#: What a PNG without anything but pixels is made of.
_BARE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a picture first stands in the tree.

    :param parent: key of the picture that it was made from; empty where nobody knows.
    :param beside: keys of what else went into it: it may be used no longer than any of them.
    :param made: the step that made it; None for a picture that was given.
    """

    key: str
    parent: str = ""
    beside: tuple[str, ...] = ()
    made: StepDoc | None = None
    candidate: CandidateDoc | None = None


@dataclass(kw_only=True)
class Taken:
    """A picture that is ready to be written, or was in the library already.

    :param new: False for a twin.
    """

    doc: PictureDoc
    asset: Asset
    new: bool
    place: Place
    preview: Rendition | None = None
    heat: Rendition | None = None
    expires_at: datetime | None = None


def places(document: Document) -> list[Place]:
    """The pictures that steps speak of, each after what it was made from."""
    found: dict[str, Place] = {}
    for step in document.steps:
        given = [one.picture for one in step.inputs if one.picture]
        named = [key for _role, key in step.order.references if key] if step.order else []
        for key in (*given, *named):
            found.setdefault(key, Place(key=key))
        for one in step.candidates:
            made = step if step.kind != "start" else None
            beside = tuple(key for key in (*given, *named) if key != step.source)
            if one.raw:
                row = Place(key=one.raw, parent=step.source if made else "", beside=beside, made=made, candidate=one)
                found.setdefault(one.raw, row)
            if one.picture:
                found.setdefault(one.picture, Place(key=one.picture, parent=one.raw, made=made, candidate=one))
    return list(found.values())


class Taker:
    """The pictures of one archive on their way into one brand's library."""

    def __init__(self, policy: Policy, brand: Brand, document: Document, pack: Pack, filing: Filing) -> None:
        self.policy, self.brand, self.document, self.pack, self.filing = policy, brand, document, pack, filing
        self.taken: dict[str, Taken] = {}
        self.makers = _makers(document)
        self.heats = {one.picture: one.heat for step in document.steps for one in step.candidates if one.heat}

    def take(self) -> dict[str, Taken]:
        """Every picture, decoded and stored; nothing is in the database yet.

        :raises InvalidRequest: ``chain_archive.bad_file`` (name, reason), ``chain_archive.wrong_sum``,
            ``chain_archive.missing_file``.
        :raises StorageFailed: when the disk refuses.
        """
        for place in places(self.document):
            self.taken[place.key] = self._one(self.document.pictures[place.key], place)
        return self.taken

    def _one(self, doc: PictureDoc, place: Place) -> Taken:
        data = summed(self.pack, doc.file, doc.sha256, limits().max_bytes)
        with at(doc.file):
            picture = decode(data, limits())
        term = self._source_type(picture.source_type, doc, place)
        ends = self._ends(doc, place)
        heat = self._heat(self.heats.get(doc.key))
        twin = self._twin(doc, term, ends, heat)
        if twin is not None:
            return Taken(doc=doc, asset=twin, new=False, place=place)
        small = preview(picture.image)
        asset = self._asset(picture, doc, place, term, self.filing.write("raw", picture.extension, data))
        row = _rendition(asset, "preview", small, self.filing.write("preview", small.extension, small.data))
        taken = Taken(doc=doc, asset=asset, new=True, place=place, preview=row, expires_at=ends)
        if heat is not None:
            taken.heat = _rendition(asset, "drift", heat, self.filing.write("drift", "png", heat.data))
        return taken

    def _asset(self, picture: Picture, doc: PictureDoc, place: Place, term: str, name: str) -> Asset:
        width, height = picture.size
        parent = self.taken.get(place.parent)
        told = {**doc.told, "archive": self.document.sha256, "chain": self.document.told["id"]}
        return Asset(
            id=uuid7(),
            brand=self.brand,
            # Whatever it was: its bytes come from a client, and are served cleaned, as every upload's.
            kind="raw",
            origin="import",
            parent=parent.asset if parent else None,
            file=name,
            sha256=picture.sha256,
            weight=picture.weight,
            format=picture.format,
            width=width,
            height=height,
            has_alpha=picture.has_alpha,
            fingerprint=signed(fingerprint(picture.image)),
            colours=blur_placeholder(picture.image),
            source_type=term,
            publishable=doc.publishable,
            recipe={"origin": "import", "imported": told},
            created_by=self.policy.user,
            requested_by=self.policy.user,
        )

    def _twin(self, doc: PictureDoc, term: str, ends: datetime | None, heat: Encoded | None) -> Asset | None:
        """The same bytes in this library, where they are known to be no more real and usable no longer."""
        same = Asset.objects.filter(
            brand=self.brand,
            sha256=doc.sha256,
            kind="raw",
            origin__in=("upload", "import"),
            publishable=doc.publishable,
        )
        rows: list[Asset] = list(self.policy.visible(same)[:20])
        for asset in rows:
            longer = ends is not None and (asset.expires_at is None or asset.expires_at > ends)
            lacks = heat is not None and not asset.renditions.filter(spec="drift", sha256=heat.sha256).exists()
            if not longer and not lacks and artificial(asset.source_type) >= artificial(term):
                return asset
        return None

    def _source_type(self, own: str, doc: PictureDoc, place: Place) -> str:
        """The first of the most artificial: what the bytes say, what is claimed, what its maker makes it."""
        floor = _made_by(self.makers.get(doc.sha256, ()), pasted=_pasted(place))
        parent = self.taken.get(place.parent)
        before = parent.asset.source_type if parent and doc.sha256 in self.makers else ""
        said = [own, *(term for term in (doc.source_type, floor, before) if artificial(term))]
        return max(said, key=artificial)

    def _ends(self, doc: PictureDoc, place: Place) -> datetime | None:
        """When its rights end: with the first of everything that it was made from."""
        rows = [self.taken[key] for key in (place.parent, *place.beside) if key in self.taken]
        ends = [doc.expires_at, *(row.asset.expires_at if not row.new else row.expires_at for row in rows)]
        return min((one for one in ends if one), default=None)

    def _heat(self, doc: HeatDoc | None) -> Encoded | None:
        """A map of the drift: it is served as it is, so it is nothing but pixels."""
        if doc is None:
            return None
        data = summed(self.pack, doc.file, doc.sha256, _HEAT.max_bytes)
        with at(doc.file):
            picture = decode(data, _HEAT)
        if picture.format != "png" or not bare_png(data):
            target = io.BytesIO()
            picture.image.save(target, "PNG")
            data = target.getvalue()
        width, height = picture.size
        sha256 = hashlib.sha256(data).hexdigest()
        return Encoded(data=data, width=width, height=height, format="png", sha256=sha256)


def artificial(term: str) -> int:
    """How artificial a source type says that a picture is, 0 to 3."""
    return _ARTIFICIAL.get(term, 0)


def _makers(document: Document) -> Mapping[str, list[StepDoc]]:
    """Sum -> every step that says that it made these bytes, under whatever key they stand elsewhere."""
    found: dict[str, list[StepDoc]] = {}
    for step in document.steps:
        if step.kind != "start":
            for one in step.candidates:
                for key in {one.picture, one.raw} - {""}:
                    found.setdefault(document.pictures[key].sha256, []).append(step)
    return found


def _made_by(steps: Iterable[StepDoc], *, pasted: bool) -> str:
    """The least that is true of a picture that these steps made."""
    trained = [step for step in steps if _is_trained(step)]
    if not trained:
        return ""
    return _MIXED if pasted or any(step.source for step in trained) else _TRAINED


def _is_trained(step: StepDoc) -> bool:
    """Whether a model made it. Only what this site knows to follow no words counts as a mere crop."""
    alias, name = str(step.made.get("provider", "")), str(step.made.get("model", ""))
    spec = site.model(alias, name) if alias in site.conf().providers else None
    return spec is None or spec.takes_instruction


def _pasted(place: Place) -> bool:
    return bool(place.candidate and place.candidate.picture == place.key and place.candidate.paste.get("pasted"))


def summed(pack: Pack, name: str, sha256: str, most: int) -> bytes:
    """A file of the archive, if it is the one that the document means.

    :raises InvalidRequest: ``chain_archive.wrong_sum`` (name), and as :meth:`Pack.read`.
    """
    data = pack.read(name, most)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InvalidRequest("chain_archive.wrong_sum", name=name)
    return data


@contextmanager
def at(name: str) -> Iterator[None]:
    """A refusal of a file names it."""
    try:
        yield
    except (ImageRefused, InvalidRequest) as error:
        raise InvalidRequest("chain_archive.bad_file", name=name, reason=explain_error(error)) from error


def bare_png(data: bytes) -> bool:
    """Whether a PNG has nothing in it but its pixels, and nothing behind them."""
    place = 8
    while place + 8 <= len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if kind not in _BARE:
            return False
        place += 12 + length
        if kind == b"IEND":
            return length == 0 and place == len(data)
    return False


def _rendition(asset: Asset, spec: str, file: Encoded, name: str) -> Rendition:
    return Rendition(
        asset=asset,
        spec=spec,
        file=name,
        sha256=file.sha256,
        weight=len(file.data),
        format=file.format,
        width=file.width,
        height=file.height,
    )
