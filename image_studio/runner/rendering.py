"""Public files of an approved picture: made from pixels alone, and released only if the picture still may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from image_studio import signals, storage
from image_studio.conf import conf
from image_studio.imaging.renditions import Spec, renditions
from image_studio.models import Actor, Asset, Event, Job, Rendition, database_now
from image_studio.runner.filing import Filing
from image_studio.runner.leases import FREE, Lease
from image_studio.runner.produce import Told, open_raw
from image_studio.runner.rows import sizes
from image_studio.runner.work import Halt, read_job, rights
from image_studio.states import ASSET


@dataclass(frozen=True, kw_only=True)
class RenderWork:
    """An approved picture to publish."""

    lease: Lease
    job: Job
    asset: Asset


def render_work(lease: Lease) -> RenderWork:
    """Read a render job.

    :raises Halt: when the picture may not be published, or not by its requester.
    :raises Fenced: when the lease was lost.
    """
    job = read_job(lease)
    asset = job.asset
    if asset is None:
        raise Halt("failed", "job.source_missing")
    if job.cancel_requested_at:
        raise Halt("cancelled")
    rights(job, "publish", asset)
    if not asset.publishable:
        raise Halt("blocked", "asset.never_published")
    if asset.expired:
        raise Halt("blocked", "asset.expired")
    if asset.state != "approved":
        raise changed(asset.state)
    if asset.publish_job_id != job.pk:
        raise Halt("failed", "job.overtaken")
    return RenderWork(lease=lease, job=job, asset=asset)


def changed(state: str) -> Halt:
    return Halt("failed", "job.asset_changed", state=state)


def files(order: RenderWork, filing: Filing) -> list[Rendition]:
    """Write the public files: every width in every format, and one fallback that any browser shows.

    :raises StorageFailed: when a file cannot be read or written.
    :raises ImageRefused: when the gate no longer takes the picture.
    """
    asset = order.asset
    raw = open_raw(storage.read(storage.private(), asset.file, asset.sha256), Told(source_type=asset.source_type))
    wanted = specs(asset.width, alpha=raw.picture.has_alpha)
    return [
        Rendition(
            asset=asset,
            spec=f"w{file.width}.{file.extension}",
            public=True,
            file=filing.write("public", file.extension, file.data, public=True),
            **sizes(file),
        )
        for file in renditions(raw.image, wanted, source_type=raw.source_type)
    ]


def specs(width: int, *, alpha: bool) -> list[Spec]:
    """What to make of a picture so wide: no width beyond its own, and its own where it falls short of the widest."""
    widths = sorted({min(wanted, width) for wanted in conf().widths})
    fallback = "png" if alpha else "jpeg"
    formats = dict.fromkeys(conf().rendition_formats)
    made = [Spec(width=wanted, format=kind) for wanted in widths for kind in formats]
    return made if fallback in formats else [*made, *(Spec(width=wanted, format=fallback) for wanted in widths)]


def publish(order: RenderWork, rows: list[Rendition]) -> None:
    """Release the picture with its files.

    :raises Halt: when it changed while its files were made.
    :raises Fenced: when the lease was lost.
    """
    now = database_now()
    job, asset = order.job, order.asset
    actor = Actor(user_id=str(job.requested_by_id or ""), label=job.actor_label)
    with transaction.atomic():
        held = order.lease.move("done", error_code="", error_params={}, ended_at=now, **FREE)
        unexpired = Asset.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), pk=asset.pk, publishable=True)
        # Approved anew meanwhile is not approved for this job: that approval asks for its own.
        if not ASSET.move(unexpired.filter(publish_job=job), "published", only_from=["approved"], published_at=now):
            raise changed(Asset.objects.values_list("state", flat=True).get(pk=asset.pk))
        asset.refresh_from_db(fields=["alt"])
        if asset.alt_missing:
            raise Halt("blocked", "asset.alt_missing", locales=", ".join(asset.alt_missing))
        Rendition.objects.filter(asset=asset, public=True).delete()
        Rendition.objects.bulk_create(rows)
        Event.objects.record(actor, "asset.published", asset, job=str(held.job_id), files=len(rows))
        transaction.on_commit(partial(_announce, asset.pk))


def _announce(pk: UUID) -> None:
    signals.asset_published.send_robust(Asset, asset=Asset.objects.get(pk=pk))
