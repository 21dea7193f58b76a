"""Bad times for sheet and library: a worker dies, the network goes, a session ends, files are no pictures."""

from __future__ import annotations

import re
import time

import pytest
from django.contrib.sessions.models import Session

from image_studio.models import Asset, Variant
from tests import factories

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
ENDED = "Your session has ended. Sign in again, then come back here."
PATIENCE = 60_000


@pytest.fixture
def waiting(brand):
    """A set of six cells that waits for a worker."""
    bare = factories.make_bare_brand()
    return factories.make_set(bare, channels=factories.make_channels("square", "link-card", "newsletter"), takes=2)


def until(true, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def made_of(variant_set):
    return Variant.objects.filter(variant_set=variant_set)


def sign_out_everywhere():
    Session.objects.all().delete()


def sign_in_again(studio, user, client):
    client.force_login(user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": studio.address}
    studio.page.context.add_cookies([cookie])


# A worker dies --------------------------------------------------------------------------------------------------------


def test_a_worker_is_killed_and_started_again_under_an_open_sheet(open_page, boss, workers, waiting):
    studio = open_page(boss)
    page = studio.page
    studio.sheet(waiting.pk)
    expect(page.locator("#no-worker")).to_contain_text("No worker is running.")
    workers.start()
    until(made_of(waiting).filter(state="ready").exists)
    workers.kill()
    assert made_of(waiting).exclude(state="ready").exists()
    expect(page.locator("#bar")).to_contain_text("waits for a worker", timeout=PATIENCE)
    expect(page.locator("#no-worker")).to_be_visible()
    workers.start()
    expect(studio.cells("candidate")).to_have_count(6, timeout=PATIENCE)
    expect(page.locator("#bar")).to_contain_text("6 of 6 cells")
    expect(page.locator("#no-worker")).to_be_hidden()
    cells = list(made_of(waiting))
    assert len({cell.asset_id for cell in cells}) == 6
    assert Asset.objects.filter(kind="composed").count() == 6


# The network goes -----------------------------------------------------------------------------------------------------


def test_a_sheet_lives_through_a_slow_network_and_none(open_page, boss, workers, waiting):
    studio = open_page(boss)
    page = studio.page
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")

    def throw(*, offline=False, delay=0, rate=-1):
        limits = {"offline": offline, "latency": delay, "downloadThroughput": rate, "uploadThroughput": rate}
        network.send("Network.emulateNetworkConditions", limits)

    throw(delay=400, rate=50_000)
    studio.sheet(waiting.pk)
    expect(studio.cells()).to_have_count(6)
    throw(offline=True)
    said = page.locator("#live")
    expect(said).to_contain_text("No connection.", timeout=PATIENCE)
    expect(said.get_by_role("button", name="Try now")).to_be_visible()
    workers.start()
    until(lambda: not made_of(waiting).exclude(state="ready").exists())
    throw(delay=400, rate=50_000)
    said.get_by_role("button", name="Try now").click()
    expect(said).to_contain_text("Connected again.", timeout=PATIENCE)
    expect(studio.cells("candidate")).to_have_count(6, timeout=PATIENCE)


# A session ends -------------------------------------------------------------------------------------------------------


def test_a_session_ends_under_a_sheet_that_polls(open_page, boss, waiting, client):
    studio = open_page(boss)
    studio.watch.expects(403)
    page = studio.page
    studio.sheet(waiting.pk)
    box = page.get_by_label(re.compile("^Retry|^Cancel")).first
    expect(page.locator("#bar")).to_contain_text("Cancel rest")
    sign_out_everywhere()
    said = page.locator("#live")
    expect(said).to_contain_text(ENDED, timeout=PATIENCE)
    expect(said.get_by_role("link")).to_have_attribute("href", re.compile(f"/variantset/{waiting.pk}/change/"))
    assert page.get_by_text(ENDED).count() == 1
    expect(studio.cells()).to_have_count(6)
    assert box.count() == 0
    sign_in_again(studio, boss, client)
    said.get_by_role("link").click()
    expect(page.locator("#bar")).to_contain_text("0 of 6 cells")


def test_a_session_ends_under_an_upload(open_page, boss, brand, photo, client):
    studio = open_page(boss)
    studio.watch.expects(401, 403)
    page = studio.page
    studio.library()
    page.wait_for_load_state("networkidle")
    sign_out_everywhere()
    studio.drop({f"{number}.png": small_picture(number) for number in range(5)})
    expect(page.get_by_text(ENDED)).to_be_visible(timeout=PATIENCE)
    assert page.get_by_text(ENDED).filter(visible=True).count() == 1
    expect(studio.uploads("waiting")).to_have_count(5)
    assert not Asset.objects.exists()
    sign_in_again(studio, boss, client)
    page.get_by_role("button", name="I have signed in: go on").click()
    expect(studio.uploads("added")).to_have_count(5, timeout=PATIENCE)
    expect(page.get_by_text(ENDED)).to_be_hidden()
    assert Asset.objects.count() == 5


# Files that are no pictures -------------------------------------------------------------------------------------------


def small_picture(number):
    return factories.encoded(factories.draw_photo((120 + number, 90), hue=number * 3))


def bad_files():
    """Twenty, of five kinds: empty, words, cut short, not what its name says, not what is taken."""
    whole = small_picture(80)
    kinds = (
        ("empty-{}.png", b""),
        ("words-{}.png", b"this is no picture"),
        ("short-{}.png", whole[: len(whole) // 2]),
        ("other-{}.jpg", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
        ("notes-{}.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
    )
    return {name.format(number): data for name, data in kinds for number in range(4)}


def test_twenty_bad_files_among_fifty(open_page, boss, brand):
    studio = open_page(boss)
    studio.watch.expects(400)
    page = studio.page
    studio.library()
    bad = bad_files()
    good = {f"good-{number}.png": small_picture(number) for number in range(30)}
    mixed = sorted({**bad, **good}.items(), key=lambda item: item[0][::-1])
    studio.drop(dict(mixed))
    said = page.locator("[data-sum-line]")
    expect(said).to_have_text("50 of 50 done: 30 added, 0 already here, 20 refused, 0 not sent.", timeout=120_000)
    refused = {
        row.locator(".lib-file-name").inner_text(): row.locator(".lib-file-why").inner_text()
        for row in studio.uploads("refused").all()
    }
    assert refused.keys() == bad.keys()
    assert all(words.endswith(".") and len(words.split()) > 5 for words in refused.values()), refused
    assert Asset.objects.count() == 30
