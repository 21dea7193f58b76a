"""What the tests of exported edit histories share: a history with three branches and one of everything, and archives
that were tampered with."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime

from image_studio import storage
from image_studio.imaging.renditions import encode
from image_studio.models import Asset, CheckResult, EditChain, EditFile, EditStep, Rendition
from image_studio.workflow import describe, ingest
from image_studio.workflow.chain_export import export_chain
from image_studio.workflow.chains import choose, move_head, reject_step
from image_studio.workflow.edit_files import add_markup, add_mask
from tests import factories
from tests.workflow.chains import LEFT, OPERATOR, ask, chain_from

SIZE = (640, 480)
END = datetime(2031, 5, 1, 12, tzinfo=UTC)


def upload(brand, size=SIZE, *, hue=0, policy=OPERATOR, source_type="digitalCapture"):
    """A photograph whose own bytes say that it is one."""
    data = encode(factories.draw_photo(size, hue=hue), "jpeg", source_type=source_type).data
    return ingest(policy, brand, data, name="a-bottle.jpg", alt={"en": "A red bottle"}).asset


def painted():
    paint = factories.Image.new("RGBA", SIZE)
    factories.ImageDraw.Draw(paint).rectangle((100, 100, 300, 300), fill=(255, 0, 0, 255))
    return factories.encoded(paint)


def grown(brand, policy=OPERATOR):
    """Three branches from the start: masks told and painted, a drawing, references, several candidates, a rejected
    step, a blocked one and an extended one."""
    source = describe(policy, upload(brand, policy=policy), tags=["bottle"], focal=(0.6, 0.4), expires_at=END)
    style = upload(brand, (320, 240), hue=40, policy=policy)
    chain = chain_from(source, policy, title="Autumn bottle")
    ask(chain, policy, region=LEFT)
    choose(policy, ask(chain, policy, parent=2, candidates=2, instruction="Make it darker"), 1)
    references = (("style", str(style.pk)),)
    turned = ask(chain, policy, parent=1, kind="restyle", references=references)
    reject_step(policy, turned, reason="off_brand", note="Not our <b>green</b>")
    mask = add_mask(policy, chain, source, data=painted(), reads="painted")
    ask(chain, policy, parent=1, mask=str(mask.pk))
    ask(chain, policy, parent=5, kind="extend", ratio="16:9", instruction="")
    drawing = add_markup(policy, chain, source, painted())
    ask(chain, policy, parent=1, kind="markup", markup=str(drawing.pk), route="hinted")
    ask(chain, policy, parent=2, instruction="Make it [flag:violence]")
    move_head(policy, chain, 5, seen=EditChain.objects.get(pk=chain.pk).head)
    chain.refresh_from_db()
    return chain


def packed(chain, policy=OPERATOR):
    """An export's bytes."""
    chain = EditChain.objects.get(pk=chain.pk)
    with export_chain(policy, chain).file as file:
        return file.read()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        return {entry.filename: opened.read(entry) for entry in opened.infolist()}


def document(data):
    return json.loads(members(data)["chain.json"])


def zipped(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return io.BytesIO(target.getvalue())


def changed(data, change, **files):
    """An archive whose document was tampered with."""
    inside = members(data)
    plain = json.loads(inside["chain.json"])
    change(plain)
    return zipped({**inside, **files, "chain.json": json.dumps(plain).encode()})


def same(plain):
    """A document without what another site can't say again: its id, when it was last touched, whence it came."""
    chain = {key: value for key, value in plain["chain"].items() if key not in ("id", "touched_at", "imported")}
    return {**plain, "chain": chain}


def counts():
    """How many rows there are of everything that an import writes, and how many files."""
    rows = [model.objects.count() for model in (EditChain, EditStep, EditFile, Asset, Rendition, CheckResult)]
    return [*rows, sum(1 for path in storage.private_root().rglob("*") if path.is_file())]


def sum_of(data):
    return hashlib.sha256(data).hexdigest()
