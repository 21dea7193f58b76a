"""The workbench in Chromium: paint, ask, pick, fork, turn down, come back; and everybody can use it."""

from __future__ import annotations

import io
import json
import re
import time

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image, ImageFilter

from image_studio import storage
from image_studio.models import EditChain, EditDraft, EditFile
from image_studio.workflow.chains import choose, move_head, start_chain
from image_studio.workflow.step_orders import request_step
from image_studio.workflow.steps import StepOrder
from tests import factories
from tests.browser.chromium import axe, overflow
from tests.fakes.openai_process import serve_apart
from tests.workflow.chains import OPERATOR

expect = pytest.importorskip("playwright.sync_api").expect
pytestmark = pytest.mark.browser
WINDOWS = [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")]
#: A worker makes a picture within that, on a machine that does other work too.
PATIENCE = 60_000


@pytest.fixture
def server(studio, settings):
    """A server of its own, and a site whose pages and workers buy from it."""
    with serve_apart(studio / "ledger.jsonl") as fake:
        options = {"api_key": "sk-test", "base_url": fake.base_url}
        openai = {"BACKEND": "image_studio.providers.openai", "OPTIONS": options}
        previs = {"BACKEND": "image_studio.providers.previs"}
        rows = {"PROVIDERS": {"previs": previs, "openai": openai}, "BRAND_CHECKS": ()}
        # One that reads drawings: no shipped route leads to such a model yet.
        hinted = {"title": "Hinted", "provider": "openai", "model": "gpt-image-2.5-sunburst", "quality": "low"}
        rows["ROUTES"] = {"hinted": hinted}
        settings.IMAGE_STUDIO = {**settings.IMAGE_STUDIO, **rows}
        (studio / "studio.json").write_text(json.dumps(settings.IMAGE_STUDIO))
        yield fake


@pytest.fixture
def chain(server, brand, photo):
    image = Image.open(io.BytesIO(photo)).convert("RGB")
    source = factories.make_asset(brand, image=image, data=photo, title="Bottle")
    return start_chain(OPERATOR, brand, source, title="Bottle, spring")


class Bench:
    """The workbench as a person uses it."""

    def __init__(self, window, chain):
        self.window, self.page, self.chain = window, window.page, chain

    def open(self, query=""):
        self.window.visit(f"editchain/{self.chain.pk}/change/{query}")
        expect(self.page.locator("#wb.wb-live")).to_be_visible()
        return self

    @property
    def go(self):
        return self.page.locator('#wb-go:not([aria-disabled="true"])')

    def say(self, words):
        self.page.locator("#ask [name=instruction]").fill(words)
        return self

    def mode(self, name):
        self.page.locator(f'[data-mode-of="{name}"]').click()

    def drag(self, start, end, steps=8):
        """Over the picture, in fractions of it."""
        box = self.page.locator(".wb-picture").bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        self.page.mouse.move(*places[1], steps=steps)
        self.page.mouse.up()

    def ask(self, words, number):
        self.say(words)
        expect(self.go).to_contain_text("about $")
        self.go.click()
        self.page.wait_for_url(re.compile(rf"step={number}$"))
        expect(self.page.locator(f'#wb-tree [data-node="{number}"]')).to_be_visible()
        expect(self.page.locator(".wb-candidates li").first).to_be_visible(timeout=PATIENCE)

    def node(self, number):
        return self.page.locator(f'#wb-tree [data-node="{number}"]')

    def pick(self, letter):
        self.page.locator(f'[data-pick="{letter}"]').click()
        expect(self.page.locator(".wb-candidates")).to_contain_text("Chosen")


@pytest.fixture
def bench(open_page, boss, chain):
    return Bench(open_page(boss), chain)


def steps_of(chain):
    return {step.number: step for step in chain.steps.all()}


def stored(name):
    return Image.open(io.BytesIO(storage.read(storage.private(), name)))


def pixels(asset):
    return np.asarray(stored(asset.file).convert("RGB"))


def outside(mask, feather):
    """Where nothing may have changed: further from what was painted than its soft edge is wide."""
    painted = stored(mask.file).getchannel("A").point([255] + [0] * 255)
    return np.asarray(painted.filter(ImageFilter.MaxFilter(2 * feather + 1))) == 0


def test_a_part_is_painted_edited_three_times_with_a_fork_and_one_is_turned_down(bench, chain, workers):
    workers.start()
    bench.open()
    page = bench.page
    bench.mode("mask")
    bench.drag((0.2, 0.3), (0.4, 0.5))
    expect(page.locator("[data-marked]")).to_contain_text("% of the picture is marked")
    bench.ask("A lemon beside the bottle", 2)
    first = steps_of(chain)[2]
    assert (first.kind, bool(first.order["mask"])) == ("inpaint", True)
    mask = EditFile.objects.get(pk=first.order["mask"])
    assert (mask.width, mask.height) == chain.source.size

    candidate = first.candidates.get()
    assert candidate.paste["pasted"]
    expect(page.locator(".wb-facts")).to_contain_text("Every pixel outside the marked part")
    same = (pixels(candidate.asset) == pixels(chain.source)).all(axis=-1)
    kept = outside(mask, candidate.paste["feather"])
    assert 0.5 < kept.mean() < 1
    assert same[kept].all()
    assert not same[~kept].all()
    bench.pick("a")

    page.locator("#ask [name=candidates]").select_option("2")
    bench.ask("A linen cloth under it", 3)
    expect(page.locator(".wb-candidates li")).to_have_count(2)
    bench.pick("b")
    assert steps_of(chain)[3].choice == 1

    bench.node(1).click()
    expect(page.locator("#wb-ask-title + p")).to_have_text("from step 1")
    page.locator("#ask [name=candidates]").select_option("1")
    bench.ask("Rain on a window behind it", 4)
    assert steps_of(chain)[4].parent_number == 1
    page.get_by_text("Reject…", exact=True).click()
    page.locator("[name=reason]").select_option("too_much")
    page.locator("[name=note]").fill("the label is gone")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(bench.node(4)).to_contain_text("Changed too much: the label is gone")
    chain.refresh_from_db()
    assert (steps_of(chain)[4].state, chain.head) == ("rejected", 3)
    expect(bench.node(3)).to_contain_text("Head")


def test_a_drawing_goes_along(bench, chain, workers):
    workers.start()
    bench.open()
    bench.mode("markup")
    bench.drag((0.2, 0.2), (0.5, 0.4))
    expect(bench.page.locator("[data-marked]")).to_contain_text("A drawing goes along")
    bench.say("Follow the arrow")
    expect(bench.page.locator("#wb-line")).to_contain_text("can't read a markup")
    bench.page.locator('[data-route="hinted"] input').check()
    expect(bench.go).to_contain_text("Follow the drawing: about $")
    bench.ask("Follow the arrow", 2)
    step = steps_of(chain)[2]
    assert step.kind == "markup"
    drawing = EditFile.objects.get(role="markup")
    assert str(drawing.pk) == step.order["markup"]
    assert (drawing.width, drawing.height) == chain.source.size


def test_nothing_is_lost_on_reload(bench, chain, brand):
    other = factories.make_asset(brand, (64, 48), title="Sketch")
    bench.open()
    page = bench.page
    bench.mode("mask")
    bench.drag((0.3, 0.3), (0.6, 0.6))
    bench.say("A blue ribbon around its neck")
    page.locator('[data-route="standard"] input').check()
    page.get_by_role("button", name="Add a picture").click()
    page.locator("dialog.studio-pick[open] li").filter(has_text="Sketch").locator("button").click()
    page.locator("[name=ref_as]").first.select_option("product")
    marked = page.locator("[data-marked]").inner_text()
    expect(page.locator("#wb-kept")).to_have_text("Draft saved")
    page.locator("#ask [name=feather]").evaluate("one => { one.closest('details').open = true; }")
    page.locator("#ask [name=feather]").fill("24")
    page.reload()  # sooner than the draft is saved by itself: the page sends it on its way out
    expect(page.locator("#ask [name=instruction]")).to_have_value("A blue ribbon around its neck")
    expect(page.locator("[data-marked]")).to_have_text(marked)
    expect(page.locator('[data-route="standard"] input')).to_be_checked()
    expect(page.locator(".studio-picker-words strong").first).to_have_text("Sketch")
    expect(page.locator("[name=ref_as]").first).to_have_value("product")
    assert page.locator("[name=ref_asset]").first.input_value() == str(other.pk)
    expect(page.locator("#ask [name=feather]")).to_have_value("24")
    assert EditDraft.objects.get().data["feather"] == "24"
    page.locator('[data-do-paint="undo"]').click()
    expect(page.locator("[data-marked]")).to_have_text("Anywhere in the picture")


def test_the_keyboard_alone_is_enough(bench, chain, workers):
    workers.start()
    bench.open()
    page, window = bench.page, bench.window
    page.locator("#ask details").filter(has=page.locator("[name=left]")).locator("summary").focus()
    window.press("Enter", "Tab")
    for number in ("10", "20", "30", "40"):
        page.keyboard.type(number)
        window.press("Tab")
    expect(page.get_by_role("button", name="Add this rectangle")).to_be_focused()
    window.press("Enter")
    expect(page.locator("[data-marked]")).to_contain_text("12 % of the picture is marked")
    window.press("i")
    expect(page.locator("[data-marked]")).to_contain_text("88 % of the picture is marked")
    window.press("Control+z")
    expect(page.locator("[data-marked]")).to_contain_text("12 %")
    page.locator("#ask [name=instruction]").focus()
    page.keyboard.type("mix pepper")  # m, i, x and p are shortcuts, and do nothing while one types
    expect(page.locator("[data-marked]")).to_contain_text("12 %")
    expect(page.locator("#wb-stage")).to_have_attribute("data-mode", "mask")
    expect(bench.go).to_contain_text("Change a part: about $")
    window.press("Control+Enter")
    page.wait_for_url(re.compile("step=2$"))
    assert steps_of(chain)[2].order["region"] == [0.1, 0.2, 0.3, 0.4]
    expect(page.locator(".wb-candidates li")).to_have_count(1, timeout=PATIENCE)
    page.wait_for_load_state()  # it comes with a page of its own, whose script has to be there
    window.press("1")
    expect(page.locator("[data-pick=a]")).to_be_focused()
    window.press("Enter")
    expect(page.locator(".wb-candidates")).to_contain_text("Chosen")


def test_before_and_after_are_compared_and_the_picture_is_enlarged(bench, chain, workers):
    workers.start()
    bench.open().ask("Make it green", 2)
    page = bench.page
    slider = page.locator("[data-cut]")
    expect(slider).to_have_attribute("aria-valuetext", "Only after")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "Only before")
    page.keyboard.press("k")
    expect(slider).to_have_attribute("aria-valuetext", "Only after")
    page.keyboard.press("k")
    assert page.locator(".wb-before").evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    page.locator("[data-heat]").click()
    assert page.locator(".wb-heat").evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    expect(page.locator(".wb-facts")).to_contain_text("% of the picture changed")
    page.locator(".wb-view").focus()
    page.keyboard.press("+")
    expect(page.locator("[data-zoom-words]")).to_have_text("125 %")
    page.keyboard.press("0")
    expect(page.locator("[data-zoom-words]")).to_have_text("100 %")


def test_a_finger_paints_and_two_move_the_picture(open_page, boss, chain):
    bench = Bench(open_page(boss, width=360, has_touch=True), chain).open()
    page = bench.page
    bench.mode("mask")
    page.locator(".wb-view").scroll_into_view_if_needed()
    box = page.locator(".wb-picture").bounding_box()
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        rows = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": n}
            for n, (x, y) in enumerate(points)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": rows})

    touch("touchStart", (0.3, 0.3))
    touch("touchMove", (0.5, 0.5))
    touch("touchMove", (0.6, 0.6))
    touch("touchEnd")
    expect(page.locator("[data-marked]")).to_contain_text("% of the picture is marked")
    marked = page.locator("[data-marked]").inner_text()
    touch("touchStart", (0.4, 0.5))
    touch("touchStart", (0.4, 0.5), (0.6, 0.5))
    touch("touchMove", (0.2, 0.5), (0.8, 0.5))
    touch("touchEnd")
    expect(page.locator("[data-zoom-words]")).not_to_have_text("100 %")
    expect(page.locator("[data-marked]")).to_have_text(marked)


def test_a_head_that_somebody_else_moves_is_told_and_nothing_typed_is_lost(bench, chain, workers):
    workers.start()
    bench.open().ask("Make it green", 2)
    bench.pick("a")
    bench.say("And now the lid")
    move_head(OPERATOR, chain, 1, seen=2)
    bench.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(bench.page.locator("#wb-said")).to_contain_text("Somebody moved the head to step 1")
    expect(bench.node(1)).to_contain_text("Head")
    expect(bench.page.locator("#ask [name=instruction]")).to_have_value("And now the lid")


def test_a_ghost_is_cancelled_tried_again_and_becomes_a_picture(bench, chain, server, workers):
    bench.open()
    bench.say("Make it green")
    expect(bench.go).to_contain_text("about $")
    bench.go.click()
    bench.page.wait_for_url(re.compile("step=2$"))
    expect(bench.page.locator("#wb-stage")).to_contain_text("waits for its turn")
    bench.page.get_by_role("button", name="Cancel this step").click()
    expect(bench.page.locator("#wb-stage")).to_contain_text("This step was cancelled.")
    bench.page.get_by_role("button", name=re.compile("Try again")).click()
    workers.start()
    expect(bench.page.locator(".wb-candidates li")).to_have_count(1, timeout=PATIENCE)
    assert len(server.charged()) == 1


def test_it_works_without_scripts(open_page, boss, chain, workers):
    workers.start()
    window = open_page(boss, scripts=False)
    page = window.page
    window.visit(f"editchain/{chain.pk}/change/")
    page.locator("#ask [name=instruction]").fill("Make it green")
    page.get_by_role("button", name="Price it").click()
    page.locator("#wb-go").click()
    assert page.url.endswith("step=2")
    for _ in range(60):
        if page.locator("[data-pick=a]").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.locator("[data-pick=a]").click()
    chain.refresh_from_db()
    assert chain.head == 2


@pytest.fixture
def grown(chain, workers):
    """A chain with a step of every look."""
    workers.start()

    def ask(number, **order):
        step = request_step(OPERATOR, chain, StepOrder(route="quick", **order), key=f"grown-{number}")
        for _ in range(600):
            step.job.refresh_from_db()
            if step.status not in ("waiting", "working"):
                return step
            time.sleep(0.1)
        raise AssertionError("no worker made it")

    choose(OPERATOR, ask(1, instruction="Make it green", candidates=2), 1)
    ask(2, instruction="A lemon", region=(0.2, 0.5, 0.3, 0.4), parent=2)
    workers.kill()
    request_step(OPERATOR, chain, StepOrder(route="quick", instruction="And a lime", parent=2), key="grown-3")
    return EditChain.objects.get(pk=chain.pk)


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_every_page_can_be_used_by_everybody(open_page, boss, grown, width, scheme):
    window = open_page(boss, width=width, scheme=scheme)
    page = window.page
    base = reverse("admin:image_studio_editchain_change", args=[grown.pk])
    addresses = {
        "list": reverse("admin:image_studio_editchain_changelist"),
        "begin": reverse("admin:image_studio_editchain_add"),
        "start": f"{base}?step=1",
        "step": f"{base}?step=2",
        "part": f"{base}?step=3",
        "ghost": f"{base}?step=4",
    }
    found = {}
    for name, address in addresses.items():
        window.visit(address)
        page.wait_for_load_state("networkidle")
        found[name] = (axe(page), overflow(page))
    window.visit(addresses["step"])
    page.locator("#wb.wb-live").wait_for()
    for fold in page.locator("details").all():
        fold.evaluate("one => { one.open = true; }")
    for mode in ("mask", "markup"):
        page.locator(f'[data-mode-of="{mode}"]').click()
        found[mode] = (axe(page), overflow(page))
    wrong = {name: judged for name, judged in found.items() if judged != ([], 0)}
    assert not wrong, json.dumps(wrong, indent=1)
