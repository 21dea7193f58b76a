"""The two clients: ours, and AsyncOpenAI as its documentation shows it. Each imports only what it needs itself.

Run: ``python -m tests.benchmarks.openai_sides SIDE ADDRESS COUNT``: that many calls at once, for their memory.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

#: Buys one picture into a folder that is not there yet; answers its file.
Buy = Callable[[Path], Awaitable[Path]]

KEY, MODEL, PROMPT = "sk-benchmark", "gpt-image-2", "A red bottle on a table, soft light"


def ours(address: str) -> Buy:
    import django  # noqa: PLC0415 - the memory of one side is not the other's

    django.setup()

    from image_studio.providers.base import PictureRequest  # noqa: PLC0415 - needs the settings
    from image_studio.providers.openai import Provider  # noqa: PLC0415 - as above

    provider = Provider("openai", api_key=KEY, base_url=address)
    request = PictureRequest(model=MODEL, prompt=PROMPT)

    async def buy(folder: Path) -> Path:
        folder.mkdir()
        answer = await provider.run(request, (), spool=folder, deadline=600.0)
        return answer.outputs[0].path or folder

    return buy


def theirs(address: str) -> Buy:
    from openai import AsyncOpenAI  # noqa: PLC0415 - as above

    client = AsyncOpenAI(api_key=KEY, base_url=address)

    async def buy(folder: Path) -> Path:
        folder.mkdir()
        result = await client.images.generate(model=MODEL, prompt=PROMPT, size="1024x1024", quality="high")
        path = folder / "output.png"
        with open(path, "wb") as file:
            file.write(base64.b64decode(result.data[0].b64_json))
        return path

    return buy


SIDES: Mapping[str, Callable[[str], Buy]] = {"ours": ours, "theirs": theirs}


async def buy_all(buy: Buy, folder: Path, count: int, at_once: int) -> list[Path]:
    """``count`` pictures, never more than ``at_once`` on their way."""
    room = asyncio.Semaphore(at_once)

    async def one(number: int) -> Path:
        async with room:
            return await buy(folder / str(number))

    return await asyncio.gather(*(one(number) for number in range(count)))


def megabytes(key: str) -> float:
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1e3


def main(side: str, address: str, count: int) -> dict[str, Any]:
    """The most memory of this whole process, libraries and all, and what it took."""
    buy = SIDES[side](address)
    base, began = megabytes("VmRSS"), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        made = asyncio.run(buy_all(buy, Path(folder), count, count))
        sums = {path.read_bytes() for path in made[:: max(1, count // 8)]}
    cpu = 1000 * (time.process_time() - began) / count
    return {"peak": megabytes("VmHWM"), "base": base, "cpu": cpu, "weights": sorted(len(data) for data in sums)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
