"""Masks and drawings, in whatever way they were painted, and as they are kept and sent."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from image_studio import storage
from image_studio.exceptions import ImageRefused, InvalidRequest, NotAllowed
from image_studio.imaging.masks import MAX_BYTES
from image_studio.models import EditFile
from image_studio.policy import Policy
from image_studio.workflow import ingest
from image_studio.workflow.edit_files import add_markup, add_mask, edit_file_for
from tests import factories
from tests.corpus import corpus_bytes
from tests.workflow.chains import OPERATOR, ask, chain_from, paid_site

pytestmark = pytest.mark.django_db
SIZE = (640, 480)
#: Left and top quarter of the picture.
BOX = (0, 0, 159, 119)


@pytest.fixture
def fake(db, tmp_path, settings):
    with paid_site(settings, tmp_path) as server:
        yield server


@pytest.fixture
def source(fake):
    return factories.make_asset(factories.make_bare_brand(), SIZE)


@pytest.fixture
def chain(source):
    return chain_from(source)


def painted(mode, ground, ink, size=SIZE, box=BOX):
    image = Image.new(mode, size, ground)
    ImageDraw.Draw(image).rectangle(box, fill=ink)
    return factories.encoded(image)


def kept(file):
    return Image.open(io.BytesIO(storage.read(storage.private(), file.file, file.sha256)))


def test_nothing_is_painted_on_a_picture_that_the_member_may_not_see(fake):
    brand = factories.make_bare_brand()
    member = factories.make_user("creator", brand=brand, own_only=True)
    chain = chain_from(factories.make_asset(brand, SIZE, created_by=member), Policy(member))
    theirs = factories.make_asset(brand, SIZE)
    with pytest.raises(NotAllowed):
        add_mask(Policy(member), chain, theirs, region=(0.1, 0.1, 0.2, 0.2))
    with pytest.raises(NotAllowed):
        add_markup(Policy(member), chain, theirs, painted("RGBA", (0, 0, 0, 0), (255, 0, 0, 255)))
    assert not EditFile.objects.exists()


@pytest.mark.parametrize(
    ("reads", "data"),
    [
        ("clear", painted("RGBA", (0, 0, 0, 255), (0, 0, 0, 0))),
        ("painted", painted("RGBA", (0, 0, 0, 0), (255, 0, 0, 255))),
        ("white", painted("L", 0, 255)),
        ("black", painted("RGB", (255, 255, 255), (0, 0, 0))),
    ],
)
def test_however_it_is_painted_it_is_sent_clear_where_the_picture_may_change(chain, source, reads, data):
    mask = add_mask(OPERATOR, chain, source, data=data, reads=reads)
    file = kept(mask)
    assert (file.mode, file.size, file.format) == ("RGBA", SIZE, "PNG")
    alpha = np.asarray(file.getchannel("A"))
    assert set(np.unique(alpha)) == {0, 255}
    assert (alpha[:120, :160] == 0).all()
    assert (alpha == 0).sum() == 160 * 120
    assert mask.weight < MAX_BYTES
    assert mask.told["bounds"] == [0.0, 0.0, 0.25, 0.25]
    assert mask.told["share"] == pytest.approx(1 / 16, abs=0.001)


@pytest.mark.parametrize(
    ("reads", "data", "code"),
    [
        ("painted", painted("RGBA", (0, 0, 0, 0), (0, 0, 0, 0)), "mask.empty"),
        ("painted", painted("RGBA", (9, 9, 9, 255), (9, 9, 9, 255)), "mask.full"),
        ("clear", painted("RGB", (255, 255, 255), (0, 0, 0)), "mask.no_alpha"),
        ("white", factories.encoded(factories.draw_photo(SIZE)), "mask.not_a_mask"),
        ("white", painted("L", 0, 255, size=(320, 240), box=(0, 0, 50, 50)), "mask.other_size"),
        ("white", painted("L", 0, 255, size=(480, 640), box=(0, 0, 50, 50)), "mask.other_ratio"),
    ],
)
def test_what_marks_nothing_sensible_is_refused_and_leaves_nothing(chain, source, reads, data, code):
    before = len(list(storage.private_root().rglob("*.png")))
    with pytest.raises(InvalidRequest) as refused:
        add_mask(OPERATOR, chain, source, data=data, reads=reads)
    assert refused.value.code == code
    assert not EditFile.objects.exists()
    assert len(list(storage.private_root().rglob("*.png"))) == before


def test_a_mask_of_the_same_shape_is_scaled_where_that_is_wanted(chain, source):
    data = painted("L", 0, 255, size=(320, 240), box=(0, 0, 79, 59))
    mask = add_mask(OPERATOR, chain, source, data=data, reads="white", scale=True)
    assert mask.told["share"] == pytest.approx(1 / 16, abs=0.004)


def test_what_is_no_picture_is_refused_as_an_upload_is(chain, source):
    with pytest.raises(ImageRefused):
        add_mask(OPERATOR, chain, source, data=b"<html>")


def test_a_mask_painted_on_the_picture_as_it_is_stored_is_turned_along(fake):
    brand = factories.make_bare_brand()
    asset = ingest(OPERATOR, brand, corpus_bytes("valid_odd/ori__Landscape_6.jpg"), name="turned.jpg").asset
    width, height = asset.size
    upright = Image.new("L", asset.size, 0)
    ImageDraw.Draw(upright).rectangle((0, 0, width // 4, height // 4), fill=255)
    # Orientation 6 is stored on its side: turned back by a quarter, it is what a program that passes EXIF over shows.
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    assert stored.size == (height, width)
    mask = add_mask(OPERATOR, chain_from(asset), asset, data=factories.encoded(stored), reads="white")
    assert mask.told["bounds"] == pytest.approx([0, 0, 0.25, 0.25], abs=0.002)
    own = io.BytesIO()
    upright.convert("RGB").save(own, "JPEG", quality=95, exif=b"")
    same = add_mask(OPERATOR, chain_from(asset), asset, data=own.getvalue(), reads="white")
    assert same.told["bounds"] == pytest.approx([0, 0, 0.25, 0.25], abs=0.01)
    assert ImageOps.exif_transpose(kept(mask)).size == asset.size


def test_fractions_are_kept_with_the_mask_they_made(chain, source):
    mask = add_mask(OPERATOR, chain, source, polygons=(((0.0, 0.0), (0.5, 0.0), (0.0, 0.5)),))
    assert mask.told["polygons"] == [[[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]]]
    assert mask.told["share"] == pytest.approx(0.125, abs=0.002)
    many = tuple((k / 30_000, 0.5) for k in range(30_000))
    with pytest.raises(InvalidRequest, match=r"mask\.bad_points"):
        add_mask(OPERATOR, chain, source, polygons=(many,))


def test_a_drawing_goes_along_where_the_model_reads_it(chain, source, fake):
    drawing = painted("RGBA", (0, 0, 0, 0), (255, 0, 0, 200))
    markup = add_markup(OPERATOR, chain, source, drawing)
    step = ask(chain, kind="markup", markup=str(markup.pk), route="hinted", instruction="Put a cup here")
    assert step.status == "ready"
    assert [row["role"] for row in step.job.request["inputs"]] == ["source", "markup"]
    assert "drawing" in step.job.request["prompt"]
    with pytest.raises(InvalidRequest) as refused:
        ask(chain, kind="markup", markup=str(markup.pk), route="quick", instruction="Put a cup here")
    assert "Hinted" in refused.value.params["can"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (painted("RGB", (0, 0, 0), (255, 0, 0)), "markup.no_alpha"),
        (painted("RGBA", (0, 0, 0, 0), (255, 0, 0, 255), size=(64, 48)), "markup.other_size"),
        (painted("RGBA", (0, 0, 0, 0), (0, 0, 0, 0)), "markup.empty"),
    ],
)
def test_a_drawing_that_is_none_is_refused(chain, source, data, code):
    with pytest.raises(InvalidRequest) as refused:
        add_markup(OPERATOR, chain, source, data)
    assert refused.value.code == code


def test_only_who_sees_the_history_sees_its_masks(chain, source):
    mask = add_mask(OPERATOR, chain, source, region=(0.1, 0.1, 0.2, 0.2))
    member = Policy(factories.make_user("viewer", brand=source.brand))
    served = edit_file_for(member, mask)
    assert (served.mime, served.data[:4]) == ("image/png", b"\x89PNG")
    with pytest.raises(NotAllowed):
        edit_file_for(Policy(factories.make_user("manager", brand=factories.make_bare_brand())), mask)
    with pytest.raises(NotAllowed):
        add_mask(member, chain, source, region=(0.1, 0.1, 0.2, 0.2))
