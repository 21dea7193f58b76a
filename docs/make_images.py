"""Make the pictures of README and docs from what ``make demo SERVE=0`` left in ``var/``: the demo's sheet, the screens.

The screens are photographed in Chromium with the hands that the browser tests have; each weighs less than
:data:`MOST_BYTES`. ``EXAMPLE_VAR`` names another folder than ``var/``.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.chromium import launched  # noqa: E402 - the checkout is no package
from tests.browser.pages import Studio  # noqa: E402
from tests.example import EXAMPLE, environment, manage, serving  # noqa: E402

VAR = Path(os.environ.get("EXAMPLE_VAR") or ROOT / "var").resolve()
IMAGES = ROOT / "docs" / "images"
SHEET_WIDTH, SHEET_BYTES, MOST_BYTES = 1600, 300_000, 150_000
#: A second set that waits for a reviewer, and an account that is made for the pictures.
SEED = """
from django.contrib.auth.models import User
from demo import job
from image_studio.models import Brand, VariantSet
from image_studio.policy import Policy
from image_studio.workflow import change_this, shortlist
user, _made = User.objects.get_or_create(username="Ada", defaults={"is_staff": True, "is_superuser": True})
user.set_password("pictures"); user.save()
done = VariantSet.objects.order_by("created_at").first()
fresh = job.run(Policy(user), job.variants(Policy(user), Brand.objects.get(), done.source, 1))
waiting = [cell.asset for cell in fresh.variants.select_related("asset").order_by("position")]
shortlist(Policy(user), waiting[2])
change_this(Policy(user), waiting[5], note="More room above the headline, please.", region=(0.1, 0.05, 0.8, 0.3))
print(done.pk, fresh.pk, done.source_id, sep="\\n")
"""
#: An edit history that branches: two parts changed, one try turned down, one more asked for from the start.
EDITS = """
from django.contrib.auth.models import User
from image_studio.models import EditStep, VariantSet
from image_studio.policy import Policy
from image_studio.runner import drain
from image_studio.workflow.chains import choose, reject_step, start_chain
from image_studio.workflow.recipes import save_recipe
from image_studio.workflow.replays import replay
from image_studio.workflow.step_orders import request_step
from image_studio.workflow.steps import StepOrder
policy = Policy(User.objects.get(username="Ada"))
done = VariantSet.objects.order_by("created_at").first()
source = done.source
chain = start_chain(policy, source.brand, source, title="The tin, spring")
def ask(key, **order):
    chain.refresh_from_db()
    step = request_step(policy, chain, StepOrder(route="standard", **order), key=f"docs-{chain.pk}-{key}")
    drain()
    return EditStep.objects.select_related("chain", "job").get(pk=step.pk)
LEFT = (0.02, 0.06, 0.3, 0.5)
TIN = (((0.358, 0.315), (0.43, 0.275), (0.508, 0.315), (0.508, 0.645), (0.43, 0.665), (0.358, 0.645)),)
warm = ask("warm", instruction="Evening light from the left")
choose(policy, warm, 0)
green = ask("green", instruction="Make the tin green", polygons=TIN, candidates=3)
choose(policy, green, 1)
dark = ask("dark", instruction="Darker here", region=LEFT)
reject_step(policy, dark, reason="too_much", note="The wall looks like night")
ask("blue", instruction="The tin in blue, as an alternative", polygons=TIN, parent=1)
recipe = save_recipe(policy, EditStep.objects.get(pk=green.pk), "Evening light, green tin")
print(chain.pk, source.pk, sep="\\n")
"""
#: Three weeks of spending, a budget for the month, and a call whose outcome nobody knows.
MONEY = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.db.models import F
from image_studio import ledger
from image_studio.models import Attempt, Brand, Budget, Job, SpendRollup, database_now
from image_studio.policy import Policy
from image_studio.workflow.spending import make_budget
brand, now, user = Brand.objects.get(), database_now(), User.objects.get(username="Ada")
for n, cents in enumerate((180, 240, 95, 0, 0, 310, 150, 420, 265, 120, 0, 0, 205, 390, 160, 70, 230, 0, 0, 345, 280)):
    for model, part in (("", 1), ("gpt-image-2", 0.72), ("gpt-image-1-mini", 0.28)):
        row, _made = SpendRollup.objects.get_or_create(
            day=now.date() - timedelta(days=n), brand_id=brand.pk, model=model
        )
        SpendRollup.objects.filter(pk=row.pk).update(
            spent_micro_usd=F("spent_micro_usd") + round(cents * 10_000 * part),
            pictures=F("pictures") + round(cents * part / 5),
            calls=F("calls") + round(cents * part / 9),
        )
make_budget(Policy(user), brand=brand, soft_micro_usd=60_000_000, hard_micro_usd=80_000_000)
job = Job.objects.filter(kind="picture", provider="openai").order_by("created_at").first()
job.pk, job.state, job.cost_micro_usd, job.hold_micro_usd, job.ended_at = None, "unknown", 0, 0, now
job.asset, job.request = None, {**job.request, "prompt": "Evening light from the left"}
job.error_code = "provider.outcome_unknown"
job.error_params = {"alias": "openai", "reason": "the connection broke", "request_id": "req_7f3a"}
job.requested_by, job.actor_label = user, "Ada"
job = Job(**{f.attname: getattr(job, f.attname) for f in Job._meta.concrete_fields if f.name != "id"})
job.save(force_insert=True)
call = Attempt.objects.create(job=job, number=1, state="unknown", provider=job.provider, model=job.model, worker=job.pk,
    host="studio-1", hold_micro_usd=52_000, started_at=now, ended_at=now, error_code=job.error_code,
    error_params=job.error_params)
held = ledger.Movement(bill=ledger.Bill.of(job, attempt=call.pk), kind="hold", held=52_000)
ledger.write([held], actor=Policy(user).actor)
for budget in Budget.objects.all():
    ledger.recount(budget)
print(job.pk)
"""
#: Each site's tests that photograph.
SITES = {"djangocms": "test_screens.py", "wagtail": "test_browser.py"}
PAINTED = {"DJANGO_SETTINGS_MODULE": "docs.painter"}


def main() -> None:
    """:raises SystemExit: without a demo to photograph."""
    source = VAR / "contact-sheet.png"
    if not source.exists():
        raise SystemExit(f"{source} is missing. Run make demo SERVE=0 first.")
    sheet(source)
    told = manage(VAR, "shell", "-v", "0", "-c", SEED)
    if told.returncode:
        raise SystemExit(told.stderr)
    ids = told.stdout.split()[-3:]
    with serving(VAR) as address, working(), launched() as browser:
        for name, act in SCREENS.items():
            photograph(browser, address, name, lambda studio, act=act: act(studio, *ids))
    edits()


def edits() -> None:
    """The screens of edit histories, with :mod:`docs.painter` in the model's place."""
    told = manage(VAR, "shell", "-v", "0", "-c", EDITS, **PAINTED)
    if told.returncode:
        raise SystemExit(told.stderr)
    ids = told.stdout.split()[-2:]
    with serving(VAR, **PAINTED) as address, working(**PAINTED), launched() as browser:
        for name, act in EDIT_SCREENS.items():
            photograph(browser, address, name, lambda studio, act=act: act(studio, *ids))
    money()


def money() -> None:
    """The screens of money, over the same site with three weeks of spending."""
    told = manage(VAR, "shell", "-v", "0", "-c", MONEY, **PAINTED)
    if told.returncode:
        raise SystemExit(told.stderr)
    job = told.stdout.split()[-1]
    with serving(VAR, **PAINTED) as address, launched() as browser:
        for name, act in MONEY_SCREENS.items():
            photograph(browser, address, name, lambda studio, act=act: act(studio, job))
    sites()


def sites() -> None:
    """The screens of the CMSs, which their own browser tests make: each site's environment must have been installed.

    Of what they photograph, only the pictures that the papers have already are taken.
    """
    for site, paper in SITES.items():
        python = ROOT / f".venv-site-{site}" / "bin" / "python"
        if not python.exists():
            sys.stderr.write(f"The pictures of {site} stay as they are: run make .venv-site-{site}/.installed first.\n")
            continue
        with TemporaryDirectory() as folder:
            command = [str(python), "-m", "pytest", "-q", "-m", "browser", f"--ds=tests.sites.{site}.settings"]
            subprocess.run(
                [*command, f"tests/sites/{site}/{paper}"],
                cwd=ROOT,
                env={**os.environ, "IMAGE_STUDIO_SHOTS": folder},
                check=True,
            )
            for shot in sorted(Path(folder).glob("*.webp")):
                if (IMAGES / shot.name).exists():
                    write(shot.read_bytes(), IMAGES / shot.name)


@contextmanager
def working(**more: str) -> Iterator[None]:
    """A worker, so that the screens look as they do on a day of work."""
    command = [sys.executable, str(EXAMPLE / "manage.py"), "studio_worker"]
    process = subprocess.Popen(command, env=environment(VAR, **more))
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def sheet(source: Path) -> None:
    """The printed contact sheet, small enough for a repository."""
    with Image.open(source) as picture:
        small = picture.convert("RGB").resize((SHEET_WIDTH, round(picture.height * SHEET_WIDTH / picture.width)))
    for quality in (86, 80, 74, 68, 60):
        small.save(IMAGES / "contact-sheet.jpg", quality=quality, optimize=True, progressive=True)
        if (IMAGES / "contact-sheet.jpg").stat().st_size <= SHEET_BYTES:
            break


def photograph(browser: Any, address: str, name: str, act: Callable[[Studio], None]) -> None:
    """One screen; ``-dark`` and ``-phone`` in its name say in which window."""
    size = {"width": 360, "height": 740} if "-phone" in name else {"width": 1280, "height": 860}
    scheme = "dark" if "-dark" in name else "light"
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    context.add_init_script('localStorage.setItem("django.admin.navSidebarIsOpen", "false")')
    page = context.new_page()
    page.goto(f"{address}/admin/login/?next=/admin/image_studio/")
    page.fill("#id_username", "Ada")
    page.fill("#id_password", "pictures")
    page.click("[type=submit]")
    page.wait_for_url("**/admin/image_studio/")
    act(Studio(page, address))
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "Promise.all([...document.images].filter(i => i.loading !== 'lazy').map(i => i.decode().catch(() => 0)))"
    )
    write(page.screenshot(), IMAGES / f"{name}.webp")
    context.close()


def write(shot: bytes, target: Path) -> None:
    """:raises SystemExit: for a picture that stays too heavy."""
    with Image.open(io.BytesIO(shot)) as picture:
        for quality in (86, 78, 70, 60):
            picture.convert("RGB").save(target, quality=quality, method=6)
            if target.stat().st_size <= MOST_BYTES:
                return
    raise SystemExit(f"{target} has more than {MOST_BYTES} bytes.")


def home(studio: Studio, *_ids: str) -> None:
    studio.home()


def library(studio: Studio, *_ids: str) -> None:
    studio.library()
    for box in studio.page.locator(".lib-tick input").all()[1:3]:
        box.check(force=True)


def generate(studio: Studio, _done: str, _fresh: str, source: str) -> None:
    studio.visit(f"variantset/generate/?source={source}")
    studio.order.wait_for()


def contact_sheet(studio: Studio, done: str, *_ids: str) -> None:
    studio.sheet(done)


def inspector(studio: Studio, _done: str, fresh: str, _source: str) -> None:
    studio.sheet(fresh)
    studio.inspect(studio.cells().first)


def compare(studio: Studio, done: str, *_ids: str) -> None:
    studio.sheet(done)
    cells = [box.get_attribute("value").split(".")[0] for box in studio.page.locator("#sheet [name=cell]").all()]
    studio.visit(f"variantset/{done}/compare/?" + "&".join(f"cell={cell}" for cell in cells[:2]))


def board(studio: Studio, *_ids: str) -> None:
    studio.board()


def picture(studio: Studio, done: str, *_ids: str) -> None:
    studio.sheet(done)
    link = studio.page.locator(".studio-shot img").first.get_attribute("src").split("/asset/")[1].split("/")[0]
    studio.visit(f"asset/{link}/change/")


def picker(studio: Studio, *_ids: str) -> None:
    studio.visit("/admin/magazine/article/")
    studio.page.locator("#result_list tbody th a").first.click()
    studio.page.locator(".studio-picker [data-do=open]").first.click()
    studio.page.locator("dialog.studio-pick[open] li").first.wait_for()


def replace(studio: Studio, *_ids: str) -> None:
    """An article's picture, and one of a like shape: the places say what would become of them."""
    studio.visit("/admin/magazine/article/")
    studio.page.locator("#result_list tbody th a").first.click()
    shown = studio.page.locator("[name=picture]").input_value()
    studio.visit(f"asset/{shown}/replace/")
    wide = studio.page.locator("#successor option").filter(has_text=re.compile(r"card.*, en,", re.IGNORECASE))
    studio.visit(f"asset/{shown}/replace/?successor={wide.first.get_attribute('value')}")


SCREENS: dict[str, Callable[..., None]] = {
    "home": home,
    "library": library,
    "generate": generate,
    "sheet": contact_sheet,
    "sheet-dark": contact_sheet,
    "sheet-phone": contact_sheet,
    "inspector": inspector,
    "compare": compare,
    "review-board": board,
    "picture": picture,
    "picker": picker,
    "replace": replace,
}


def workbench(studio: Studio, chain: str, _source: str) -> None:
    studio.visit(f"editchain/{chain}/change/?step=3")
    studio.page.locator("#wb.wb-live").wait_for()


def change_this(studio: Studio, _chain: str, source: str) -> None:
    studio.visit(f"asset/{source}/change-this/")
    studio.page.locator("#chg-note").fill("A red lid, everything else as it is")


EDIT_SCREENS: dict[str, Callable[..., None]] = {
    "workbench": workbench,
    "workbench-dark": workbench,
    "change-this": change_this,
}


def spend(studio: Studio, _job: str) -> None:
    studio.visit("ledgerentry/spend/?period=30")


def decide(studio: Studio, job: str) -> None:
    studio.visit(f"job/{job}/unknown/")


MONEY_SCREENS: dict[str, Callable[..., None]] = {"spend": spend, "unknown": decide}


if __name__ == "__main__":
    main()
