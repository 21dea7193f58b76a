"""How much is read from the network at once."""

import asyncio
import gc

import httpcore2
import httpx2
import pytest

from image_studio.providers.openai_sockets import PIECE, ROOM, Network, widened


class Inner(httpcore2.AsyncNetworkStream):
    """A connection that brings as much as it is asked for."""

    async def read(self, max_bytes, timeout=None):
        return b"x" * max_bytes

    async def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        return Inner()


class Opener(httpcore2.AsyncNetworkBackend):
    async def connect_tcp(self, *args, **kwargs):
        return Inner()


async def encrypted(opener):
    return await (await opener.connect_tcp("localhost", 443)).start_tls(None)


@pytest.mark.parametrize("opened", [lambda opener: opener.connect_tcp("localhost", 80), encrypted])
def test_connections_are_read_in_large_pieces(opened):
    async def read():
        return await (await opened(Network(Opener()))).read(65_536)

    assert len(asyncio.run(read())) == PIECE


def test_more_is_read_where_more_is_asked_for():
    async def read():
        return await (await Network(Opener()).connect_tcp("localhost", 80)).read(2 * PIECE)

    assert len(asyncio.run(read())) == 2 * PIECE


def test_many_connections_share_the_room_and_leave_it_when_they_are_gone():
    async def read():
        network = Network(Opener())
        crowd = [await network.connect_tcp("localhost", 80) for _ in range(2 * ROOM // PIECE)]
        among = await crowd[0].read(1)
        del crowd[1:]
        gc.collect()
        return len(among), len(await crowd[0].read(1))

    assert asyncio.run(read()) == (PIECE // 2, PIECE)


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
def test_the_http_client_takes_the_wider_network(proxy):
    """It has no parameter for it: with another version of it, this would be lost without a word."""
    assert isinstance(widened(httpx2.AsyncHTTPTransport(proxy=proxy))._pool._network_backend, Network)


def test_a_client_without_that_place_is_left_as_it_is():
    other = object()
    assert widened(other) is other
