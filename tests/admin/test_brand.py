"""The brand page: from a form to a revision, errors at their fields, and kits as files."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from image_studio.brand.kit import CheckSetting
from image_studio.models import Brand, Channel, Event
from tests import factories
from tests.admin.browser import Page

pytestmark = pytest.mark.django_db
ADD = "admin:image_studio_brand_add"
IMPORT = "admin:image_studio_brand_import"


def url_of(brand):
    return reverse("admin:image_studio_brand_change", args=[brand.pk])


_read: dict[Any, dict[str, list[str]]] = {}


@pytest.fixture
def brand():
    return factories.make_brand("acme")


def form_of(client, brand):
    """What the page would send as it stands. Equal brands give equal pages, so each kind is rendered once a run."""
    members = [] if brand is None else list(brand.memberships.values_list("user__username", "role"))
    revision = brand.revision if brand else None
    shown = None if revision is None else (revision.digest, revision.number)
    key = (shown, repr(members), Channel.objects.count())
    if key not in _read:
        _read[key] = Page.of(client.get(url_of(brand) if brand else reverse(ADD))).data()
    return _read[key]


def save(client, brand, **changes):
    """Open the page, type over some fields, and press save."""
    if brand:
        brand = Brand.objects.get(pk=brand.pk)
    data = {**form_of(client, brand), **changes}
    sent = {name: value for name, value in data.items() if value is not None}
    return client.post(url_of(brand) if brand else reverse(ADD), sent)


def errors_of(response):
    """Every error that the page shows, by the name of the field that it stands behind."""
    editor = response.context["editor"]
    forms = [editor.basics, *editor.checks, *(f for fs in editor._formsets() for f in fs.forms)]
    forms += [form for layout in editor.layouts.forms for form in layout.texts.forms]
    return {
        form.add_prefix(name) if name != "__all__" else f"{form.prefix}:all": list(errors)
        for form in forms
        for name, errors in form.errors.items()
    }


def logo(name="logo.png", colour=(10, 20, 30, 255)):
    return SimpleUploadedFile(name, factories.encoded(Image.new("RGBA", (200, 80), colour)), "image/png")


def test_an_untouched_page_saves_nothing(boss, brand):
    response = save(boss, brand)
    assert response.status_code == 302
    brand.refresh_from_db()
    assert brand.revision.number == 1
    assert brand.revisions.count() == 1


def test_a_change_makes_a_revision_that_says_who_and_why(boss, brand):
    response = save(
        boss, brand, **{"basics-voice": "Warm and plain.\r\nNever loud.", "palette-0-hex": "#AA2211", "note": "New red"}
    )
    assert response.status_code == 302
    brand.refresh_from_db()
    assert brand.revision.number == 2
    assert brand.kit.voice == "Warm and plain.\nNever loud."
    assert brand.kit.palette[0].hex == "#aa2211"
    assert (brand.revision.note, brand.revision.actor_label) == ("New red", boss.user.get_username())
    assert "New red" in Page.of(boss.get(url_of(brand))).text


def test_everything_else_of_the_kit_survives_a_change(boss, brand):
    before = brand.kit.to_dict()
    save(boss, brand, **{"basics-voice": "Warm."})
    brand.refresh_from_db()
    assert brand.kit.to_dict() == {**before, "voice": "Warm."}


def test_spare_rows_add_and_boxes_remove(boss, brand):
    page = Page.of(boss.get(url_of(brand)))
    last = int(page.data()["palette-TOTAL_FORMS"][0]) - 1
    save(
        boss,
        brand,
        **{
            f"palette-{last}-name": "leaf",
            f"palette-{last}-hex": "#2f7d32",
            f"palette-{last}-role": "secondary",
            "palette-1-DELETE": "on",
            "terms-1-text": "cheap",
            "terms-1-allow": "dirt cheap, cheap thrills",
            "terms-1-where": ["overlay"],
        },
    )
    brand.refresh_from_db()
    assert [swatch.name for swatch in brand.kit.palette] == ["ink", "paper", "leaf"]
    term = brand.kit.terms[1]
    assert (term.text, term.allow, term.where) == ("cheap", ("dirt cheap", "cheap thrills"), ("overlay",))


def test_lines_are_edited_per_language(boss, brand):
    save(
        boss,
        brand,
        **{"lines-0-text_ar": "جديد", "lines-1-text_en": "", "lines-2-key": "offer", "lines-2-text_en": "2 for 1"},
    )
    brand.refresh_from_db()
    assert brand.kit.line("headline", "ar") == "جديد"
    assert brand.kit.line("offer", "en") == "2 for 1"
    assert not [line for line in brand.kit.lines if line.key == "legal" and line.locale == "en"]


def test_arabic_cells_are_written_from_the_right(boss, brand):
    html = boss.get(url_of(brand)).content.decode()
    assert '<td dir="rtl"><textarea name="lines-0-text_ar"' in html
    assert '<td dir="ltr"><textarea name="lines-0-text_en"' in html


def test_a_new_language_gets_its_column(boss, brand):
    save(boss, brand, **{"basics-locales": "en, ar, de"})
    assert "lines-0-text_de" in Page.of(boss.get(url_of(brand))).data()


def test_layouts_read_per_cent_and_anchors(boss, brand):
    save(
        boss,
        brand,
        **{"layouts-0-anchor": "bottom-right", "layouts-0-logo_width": "22.5", "layouts-0-texts-0-size": "8"},
    )
    brand.refresh_from_db()
    layout = brand.kit.layout_for("square")
    assert (layout.logo.anchor, layout.logo.width, layout.texts[0].size) == ("bottom-right", 0.225, 0.08)


def test_a_layout_for_one_channel_is_added_with_its_lines(boss, brand):
    factories.make_channels("story")
    save(
        boss,
        brand,
        **{"layouts-1-channel": "story", "layouts-1-texts-0-line": "headline", "layouts-1-texts-0-anchor": "top"},
    )
    brand.refresh_from_db()
    assert [layout.channel for layout in brand.kit.layouts] == ["*", "story"]
    assert [(text.line, text.anchor) for text in brand.kit.layout_for("story").texts] == [("headline", "top")]


def test_checks_keep_only_what_differs(boss, brand):
    save(
        boss,
        brand,
        **{"check-contrast-severity": "warn", "check-contrast-option_text": "7", "check-palette-blocks": None},
    )
    brand.refresh_from_db()
    assert brand.kit.checks == (
        CheckSetting(check="contrast", severity="warn", options={"text": 7.0}),
        CheckSetting(check="palette", blocks=False),
    )


def test_a_logo_is_uploaded_and_shown_on_both_grounds(boss, brand):
    response = save(
        boss, brand, **{"logos-2-name": "Mono", "logos-2-upload": logo("../../evil name.php"), "logos-2-on": "dark"}
    )
    assert response.status_code == 302
    brand.refresh_from_db()
    added = brand.kit.logos[2]
    assert (added.name, added.on) == ("Mono", "dark")
    assert added.file == f"logos/mono-{added.sha256[:8]}.png"
    shown = boss.get(reverse("admin:image_studio_brand_file", args=[brand.pk, added.sha256]))
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert Image.open(io.BytesIO(shown.content)).size == (200, 80)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"<svg onload=alert(1)>", "svg"),
        (b"GIF89a" + bytes(40), "gif"),
        (b"\x89PNG\r\n\x1a\n cut", "png"),
    ],
)
def test_a_refused_logo_says_why_at_its_field(boss, brand, data, word):
    response = save(
        boss, brand, **{"logos-2-name": "Bad", "logos-2-upload": SimpleUploadedFile("logo.png", data, "image/png")}
    )
    assert response.status_code == 200
    (message,) = errors_of(response)["logos-2-upload"]
    assert word in message.lower()
    assert brand.revisions.count() == 1


def test_a_logo_row_without_a_file_asks_for_one(boss, brand):
    response = save(boss, brand, **{"logos-2-name": "Empty"})
    assert "logos-2-upload" in errors_of(response)


def test_what_does_not_hold_is_said_at_its_field(boss, brand):
    wrong = {
        "basics-name": "",
        "basics-locales": "en, klingon!",
        "palette-0-tolerance": "900",
        "palette-1-name": "",
        "logos-0-min_width": "0",
        "terms-0-locale": "no locale",
        "lines-0-key": "two words",
        "layouts-0-logo_width": "400",
        "layouts-0-texts-0-size": "nan",
        "layouts-0-texts-1-line": "",
        "check-contrast-option_text": "high",
    }
    response = save(boss, brand, **wrong)
    assert response.status_code == 200
    assert set(errors_of(response)) == set(wrong)
    assert brand.revisions.count() == 1
    assert f"Nothing was saved: {len(wrong)} fields" in Page.of(response).text


def test_what_does_not_fit_together_is_said_at_its_field(boss, brand):
    wrong = {"basics-default_locale": "fr", "palette-0-hex": "red", "layouts-0-texts-0-colour": "mauve"}
    response = save(boss, brand, **wrong)
    assert set(errors_of(response)) == set(wrong)
    assert brand.revisions.count() == 1


def test_a_name_given_twice_is_said_in_its_row(boss, brand):
    errors = errors_of(save(boss, brand, **{"palette-1-name": "ink"}))
    assert [key for key in errors if key.startswith("palette-1")]


def test_a_brand_is_made_by_a_superuser(boss):
    response = save(
        boss,
        None,
        **{"basics-name": "Nova", "basics-slug": "nova", "basics-locales": "en", "basics-default_locale": "en"},
    )
    assert response.status_code == 302
    nova = Brand.objects.get(slug="nova")
    assert nova.revision.number == 1
    assert nova.kit.layout_for("story").texts[0].line == "headline"


def test_a_taken_slug_is_said_and_nothing_is_made(boss, brand):
    response = save(
        boss,
        None,
        **{"basics-name": "X", "basics-slug": brand.slug, "basics-locales": "en", "basics-default_locale": "en"},
    )
    assert response.status_code == 200
    assert brand.slug in Page.of(response).text
    assert Brand.objects.count() == 1


def test_a_manager_may_edit_but_not_make_brands(as_role, brand):
    manager = as_role("manager")
    assert save(manager, brand, **{"basics-voice": "Mine"}).status_code == 302
    assert manager.get(reverse(ADD)).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "creator", "reviewer"])
def test_others_may_look_and_not_save(as_role, brand, role):
    client = as_role(role)
    assert client.get(url_of(brand)).status_code == 200
    assert client.post(url_of(brand), {"basics-voice": "Hacked"}).status_code == 403
    brand.refresh_from_db()
    assert brand.revision.number == 1


def test_two_editors_do_not_overwrite_each_other_unseen(boss, as_role, brand):
    other = as_role("manager")
    mine = Page.of(boss.get(url_of(brand))).data(**{"basics-voice": "Mine"})
    save(other, brand, **{"basics-voice": "Theirs"})
    response = boss.post(url_of(brand), mine)
    assert response.status_code == 200
    assert other.user.get_username() in Page.of(response).text
    brand.refresh_from_db()
    assert brand.kit.voice == "Theirs"
    boss.post(url_of(brand), Page.of(response).data())
    brand.refresh_from_db()
    assert brand.kit.voice == "Mine"


def test_a_layout_that_cannot_hold_is_told_after_saving(boss, brand):
    factories.make_channels("square", "story")
    response = boss.post(
        url_of(brand),
        Page.of(boss.get(url_of(brand))).data(**{"logos-0-min_width": "4000", "logos-1-min_width": "4000"}),
        follow=True,
    )
    told = [str(message) for message in response.context["messages"] if message.level_tag == "warning"]
    assert any("Story (ar)" in message for message in told)


def test_a_revision_is_looked_at_and_restored(boss, brand):
    save(boss, brand, **{"basics-voice": "Second"})
    url = reverse("admin:image_studio_brand_revision", args=[brand.pk, 1])
    assert "Restore revision 1" in Page.of(boss.get(url)).text
    assert boss.post(url).status_code == 302
    brand.refresh_from_db()
    assert (brand.revision.number, brand.kit.voice) == (3, "")
    assert "1" in brand.revision.note


def test_a_viewer_cannot_restore(as_role, brand):
    assert as_role("viewer").post(reverse("admin:image_studio_brand_revision", args=[brand.pk, 1])).status_code == 403


# Files -------------------------------------------------------------------------------------------------------------


def archive(**files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return target.getvalue()


def bring(client, data, name="brand.zip"):
    return client.post(reverse(IMPORT), {"archive": SimpleUploadedFile(name, data)})


def told(response):
    return " ".join(response.context["form"].errors.get("archive", []))


def test_a_kit_goes_out_and_comes_back_the_same(boss, brand):
    sent = boss.get(reverse("admin:image_studio_brand_export", args=[brand.pk]))
    assert sent["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(sent.content)) as made:
        assert {"brand.toml", "logo-dark.png"} <= set(made.namelist())
    digest = brand.kit.digest
    save(boss, brand, **{"basics-voice": "Changed in between"})
    assert bring(boss, sent.content).status_code == 302
    brand.refresh_from_db()
    assert (brand.revision.number, brand.kit.digest) == (3, digest)


def test_a_folder_inside_the_zip_and_a_bare_toml_are_fine(boss, brand):
    text = f'name = "Sub"\nslug = "{brand.slug}"\n'
    assert bring(boss, archive(**{"kit/brand.toml": text, "__MACOSX/kit/._brand.toml": "x"})).status_code == 302
    brand.refresh_from_db()
    assert brand.kit.name == "Sub"
    assert bring(boss, text.replace("Sub", "Bare").encode(), "brand.toml").status_code == 302
    brand.refresh_from_db()
    assert brand.kit.name == "Bare"


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"brand.toml": "name = "}, "line 1"),
        ({"brand.toml": 'name = "X"\nslug = "x"\ncolour = "red"'}, "colour"),
        ({"other.txt": "x"}, "brand.toml"),
        ({"brand.toml": 'name="X"\nslug="x"', "../../escape.txt": "x"}, "escape.txt"),
        ({"brand.toml": 'name="X"\nslug="x"', "/etc/escape.txt": "x"}, "escape.txt"),
        ({"brand.toml": 'name="X"\nslug="x"\n[[logos]]\nname="a"\nfile="logos/a.png"'}, "logos/a.png"),
        ({"brand.toml": 'name="X"\nslug="x"\n[[logos]]\nname="a"\nfile="a.png"', "a.png": "no picture"}, "picture"),
        ({"brand.toml": 'name="X"\nslug="x"', "a": "file", "a/b": "and folder"}, "archive"),
    ],
)
def test_a_bad_archive_says_what_is_wrong(boss, folder, files, word):
    response = bring(boss, archive(**files))
    assert response.status_code == 200
    assert word in told(response), told(response)
    assert not Brand.objects.exists()
    assert not list(folder.rglob("escape.txt"))


def test_broken_and_oversized_archives_are_refused(boss, monkeypatch):
    good = archive(**{"brand.toml": 'name="X"\nslug="x"', "big.bin": bytes(300_000)})
    assert "archive" in told(bring(boss, good[:-30]))
    assert told(bring(boss, b""))
    monkeypatch.setattr("image_studio.admin.kit_archive.MAX_FILE", 100_000)
    assert "big.bin" in told(bring(boss, good))
    monkeypatch.setattr("image_studio.admin.brand.MAX_ARCHIVE", 10)
    assert told(bring(boss, good))
    assert not Brand.objects.exists()


def test_a_manager_imports_into_their_brand_only(as_role, brand):
    manager = as_role("manager")
    other = factories.make_brand()
    assert bring(manager, f'name = "Mine"\nslug = "{brand.slug}"'.encode()).status_code == 302
    assert told(bring(manager, f'name = "Stolen"\nslug = "{other.slug}"'.encode()))
    assert told(bring(manager, b'name = "New"\nslug = "new"'))
    other.refresh_from_db()
    assert other.revision.number == 1


# Members -----------------------------------------------------------------------------------------------------------


def test_members_come_change_and_go(boss, brand):
    ana, ben = factories.make_user(username="ana"), factories.make_user("viewer", brand=brand, username="ben")
    save(boss, brand, **{"members-1-user": "ana", "members-1-role": "reviewer"})
    assert brand.memberships.get(user=ana).role == "reviewer"
    save(boss, brand, **{"members-0-role": "manager", "members-1-DELETE": "on"})
    assert [(row.user, row.role) for row in brand.memberships.all()] == [(ben, "manager")]
    assert Event.objects.filter(verb="brand.members_changed", object_id=str(brand.pk)).count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"members-0-user": "nobody-here"}, "user"),
        ({"members-0-role": "manager", "members-0-own_only": "on"}, "user"),
    ],
)
def test_a_bad_member_row_is_said(boss, brand, changes, field):
    response = save(boss, brand, **changes)
    assert response.status_code == 200
    assert response.context["members"].forms[0].errors[field]
    assert not brand.memberships.exists()


def test_the_same_member_twice_is_said(boss, brand):
    factories.make_user(username="ana")
    response = save(boss, brand, **{"members-0-user": "ana", "members-0-role": "viewer", "members-1-user": "ana"})
    assert response.status_code == 200
    assert not brand.memberships.exists()
