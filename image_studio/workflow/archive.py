"""A set as a ZIP: every finished picture under a name that says what it is, and a table of all of them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.db.models import Count
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from image_studio.exceptions import StudioError
from image_studio.imaging.decode import EXTENSIONS
from image_studio.models import Asset, CheckResult, JobOutput, Variant, VariantSet
from image_studio.policy import Policy
from image_studio.states import ASSET
from image_studio.storage import failed
from image_studio.wording import explain_error
from image_studio.workflow.library import ServedFile, file_for
from image_studio.workflow.sheet import status_of

#: States in which a picture may be used outside; everything else is for judging.
APPROVED = ("approved", "published")
APART = "not-approved"
COLUMNS = (
    *("channel", "locale", "take", "file", "sha256", "state"),
    *("passed", "warned", "failed", "not_run", "alt", "note"),
)
#: Bytes of an archive that stay in memory; larger ones go to a temporary file.
IN_MEMORY = 8_000_000
#: Names that Windows keeps for devices, with any ending.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
#: What a spreadsheet takes for a formula, half and full width.
_FORMULA = tuple("=+-@|%＝＋－＠")
#: The earliest day that a ZIP can name.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A ZIP, rewound and ready to be sent; whoever takes it closes the file.

    :param name: for the browser's download.
    :param pictures: how many are in it.
    """

    name: str
    file: IO[bytes]
    pictures: int


def archive(policy: Policy, variant_set: VariantSet, *, only_approved: bool = False) -> Archive:
    """The finished pictures of a set with a manifest. What is not approved, or past its rights, lies apart.

    A picture that cannot be read is a line in the manifest that says why; the others still come. Originals are never
    in it: a cell's composed file is, as it would be released.

    :raises NotAllowed: for somebody who may not see the set.
    :raises StorageFailed: when the temporary disk refuses.
    """
    policy.require("view", variant_set)
    name = slugify(variant_set.title)[:60].strip("-_") or f"set-{variant_set.pk.hex[-8:]}"
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller sends and closes it
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
            lines = list(_packed(packed, policy, variant_set, name, only_approved=only_approved))
            _write(packed, "manifest.csv", _table(lines), compress=True)
            _write(packed, "README.txt", _readme(variant_set, lines).encode(), compress=True)
        file.seek(0)
        return Archive(name=f"{name}.zip", file=file, pictures=sum(1 for line in lines if line["file"]))
    except OSError as error:
        file.close()
        raise failed(error, f"{name}.zip", "storage.write_failed") from error
    except BaseException:
        file.close()
        raise


def _packed(
    packed: zipfile.ZipFile, policy: Policy, variant_set: VariantSet, name: str, *, only_approved: bool
) -> Iterator[dict[str, Any]]:
    """Write the pictures one by one, and say of every cell what became of it."""
    cells = variant_set.variants.select_related("channel", "asset", "job").order_by("position")
    counts = _counts(variant_set)
    outputs = {(o.job_id, o.index): o for o in JobOutput.objects.filter(job__variant_set=variant_set)}
    taken: set[str] = set()
    for cell in cells:
        if only_approved and not (cell.asset and _usable(cell.asset)):
            continue
        line = {"channel": cell.channel.slug, "locale": cell.locale, "take": cell.take + 1, "file": ""}
        if cell.asset is None or cell.state != "ready":
            status, why = status_of(cell, outputs.get((cell.job_id, cell.output_index)))
            yield {**line, "state": status, "note": why}
            continue
        line |= _facts(cell.asset, cell.locale, counts.get(cell.asset.pk, Counter()))
        try:
            served = file_for(policy, cell.asset, "full")
        except StudioError as error:
            yield {**line, "note": explain_error(error)}
            continue
        path = _unique(_path(cell, cell.asset, name, served), taken)
        _write(packed, path, served.data, made=cell.asset.created_at)
        yield {**line, "file": path, "sha256": hashlib.sha256(served.data).hexdigest()}


def _counts(variant_set: VariantSet) -> dict[Any, Counter[str]]:
    """How many verdicts of each kind every picture has, in one query."""
    found: dict[Any, Counter[str]] = {}
    verdicts = CheckResult.objects.filter(asset__variants__variant_set=variant_set).order_by()
    for row in verdicts.values("asset_id", "verdict").annotate(count=Count("pk", distinct=True)):
        found.setdefault(row["asset_id"], Counter())[row["verdict"]] = row["count"]
    return found


def _usable(asset: Asset) -> bool:
    return asset.state in APPROVED and not asset.expired


def _facts(asset: Asset, locale: str, counts: Counter[str]) -> dict[str, Any]:
    note = _("Its rights have ended: don't use it.") if asset.expired else ""
    return {
        "state": asset.state,
        "passed": counts["pass"],
        "warned": counts["warn"],
        "failed": counts["fail"],
        "not_run": counts["not_run"],
        "alt": asset.alt_for(locale),
        "note": note,
    }


def _path(cell: Variant, asset: Asset, name: str, served: ServedFile) -> str:
    """Where a picture lies: made of our own words and of cleaned ones, so that nothing climbs out of the folder."""
    channel, locale = _clean(cell.channel.slug, "channel"), _clean(cell.locale, "any")
    extension = EXTENSIONS.get(served.mime.removeprefix("image/"), "bin")
    stem = f"{channel}/{locale}/{name}-{channel}-{locale}-take-{cell.take + 1}.{extension}"
    return stem if _usable(asset) else f"{APART}/{stem}"


def _clean(text: str, otherwise: str) -> str:
    """A folder name for every system: letters, digits, hyphens; no device of Windows."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60] or otherwise
    return f"{name}-" if _DEVICES.fullmatch(name) else name


def _unique(path: str, taken: set[str]) -> str:
    """``path``, or one beside it that no file has; systems that ignore case are served too."""
    stem, _dot, extension = path.rpartition(".")
    number = 1
    while path.lower() in taken:
        number += 1
        path = f"{stem}-{number}.{extension}"
    taken.add(path.lower())
    return path


def _write(
    packed: zipfile.ZipFile, path: str, data: bytes, *, made: datetime | None = None, compress: bool = False
) -> None:
    moment = timezone.localtime(made or timezone.now()).timetuple()[:6]
    entry = zipfile.ZipInfo(path, date_time=max(_EPOCH, moment))
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    packed.writestr(entry, data)


def _table(lines: list[dict[str, Any]]) -> bytes:
    """Comma separated, UTF-8 with a mark, so that spreadsheets read Arabic too."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_inert(line.get(column, "")) for column in COLUMNS] for line in lines)
    return text.getvalue().encode("utf-8-sig")


def _inert(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return f"'{text}" if text.startswith(_FORMULA) else text


def _readme(variant_set: VariantSet, lines: list[dict[str, Any]]) -> str:
    apart = sum(1 for line in lines if line["file"].startswith(f"{APART}/"))
    facts = {
        "count": sum(1 for line in lines if line["file"]),
        "total": len(lines),
        "day": timezone.localtime().date().isoformat(),
        "apart": apart,
        "folder": APART,
        "states": ", ".join(str(ASSET.labels[state]) for state in APPROVED),
    }
    parts = [
        variant_set.title,
        _("%(count)s of %(total)s pictures, packed on %(day)s."),
        _("manifest.csv lists every picture: its file and sum, its state, what the checks found, its alt text."),
        _("Pictures outside of the folder %(folder)s are approved (%(states)s)."),
        _("%(apart)s pictures in the folder %(folder)s are not approved: for judging only, never to be published."),
    ]
    parts[1:] = [part % facts for part in parts[1:]]
    return "\r\n\r\n".join(parts) + "\r\n"
