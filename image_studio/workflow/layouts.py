"""Whether a matrix's layouts hold, found by dry runs before a picture is bought."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from image_studio.brand.kit import KitFiles
from image_studio.brand.plan import label_for, layers_for
from image_studio.catalog.specs import ChannelSpec, ModelSpec
from image_studio.exceptions import StudioError
from image_studio.imaging.compose import dry_run
from image_studio.imaging.geometry import Box
from image_studio.models import BrandRevision
from image_studio.providers.base import Finding
from image_studio.workflow.plan import Matrix

Texts = tuple[tuple[str, str], ...]

#: A dry run is a pure function of its key (a kit's digest covers its files), takes milliseconds, and a person who
#: chooses asks for the same ones over and over. Some sets of the largest size are remembered, a few MB.
_known: dict[tuple[str, ChannelSpec, str, Texts, str], tuple[Finding, ...]] = {}
REMEMBERED = 4096


def layout_findings(matrix: Matrix, model: ModelSpec) -> Iterator[Finding]:
    """A logo that cannot fit or a missing glyph, for every channel and locale of a matrix.

    :raises StorageFailed: when a file of the kit is missing or its sum is wrong.
    """
    assert matrix.brand.revision is not None  # the matrix was judged; for the type checker
    runs = _Runs(matrix.brand.revision)
    label = label_for(matrix.source.source_type if matrix.source else "", placeholder=not model.publishable)
    for channel in matrix.channels:
        for locale in matrix.locales:
            yield from runs.findings(channel.spec, locale, tuple(sorted(matrix.texts_for(locale).items())), label)


class _Runs:
    """The dry runs of one kit. Its files are read for the first layout that is not known yet."""

    def __init__(self, revision: BrandRevision) -> None:
        self.revision = revision

    @cached_property
    def files(self) -> KitFiles:
        return self.revision.load_files()

    def findings(self, channel: ChannelSpec, locale: str, texts: Texts, label: str) -> tuple[Finding, ...]:
        key = self.revision.digest, channel, locale, texts, label
        found = _known.get(key)
        if found is None:
            # Findings, not errors: an error keeps its traceback, and that every frame below it.
            where = f"layout:{channel.slug}:{locale}"
            errors = self._errors(channel, locale, dict(texts), label)
            found = tuple(Finding(code=error.code, params=error.params, where=where) for error in errors)
            if len(_known) >= REMEMBERED:
                _known.clear()
            _known[key] = found
        return found

    def _errors(self, channel: ChannelSpec, locale: str, texts: dict[str, str], label: str) -> tuple[StudioError, ...]:
        files = self.files
        try:
            layers = layers_for(self.revision.kit, files, channel, locale, texts=texts, label=label)
        except StudioError as error:
            return (error,)
        return dry_run(channel.size, layers, safe=Box(*channel.safe_box))
