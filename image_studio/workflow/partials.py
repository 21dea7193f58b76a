"""Early versions of pictures that are still being made, for people who may see what comes of them."""

from __future__ import annotations

from typing import Any

from image_studio import storage
from image_studio.exceptions import InvalidRequest, StorageFailed
from image_studio.imaging.decode import MIMES
from image_studio.models import Job
from image_studio.policy import Policy
from image_studio.states import JOB_HELD
from image_studio.workflow.library import ServedFile


def partial_for(policy: Policy, job: Job, index: int) -> ServedFile:
    """The newest early version of output ``index``. Serve it ``no-store``: the next one has the same address.

    :raises NotAllowed: for somebody who may not see the job's set (the job itself, where it has none).
    :raises InvalidRequest: ``job.no_partial`` where there is none, or none any more: pages answer 404.
    :raises StorageFailed: when the file cannot be read.
    """
    policy.require("view", job.variant_set or job)
    row = shown(job).get(index)
    if row is None:
        raise InvalidRequest("job.no_partial", number=index + 1)
    try:
        data = storage.read(storage.private(), row["file"])
    except StorageFailed as error:
        if error.code != "storage.missing":
            raise
        # A newer one took its place, or the picture itself, between the row and the file.
        raise InvalidRequest("job.no_partial", number=index + 1) from error
    name = f"early-{job.pk.hex[-8:]}-{index}.{row['format']}"
    return ServedFile(data=data, mime=MIMES[row["format"]], filename=name, etag=f"{job.pk.hex}-{index}-{row['number']}")


def shown(job: Job) -> dict[int, dict[str, Any]]:
    """The early versions that can be seen now, by output: ``{"file", "number", "format"}``. Asks the database nothing.

    ``number`` grows with every version: put it into the address, and a page fetches each once.
    """
    return {int(index): row for index, row in job.partials.items()} if job.state in JOB_HELD else {}
