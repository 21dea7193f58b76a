"""How much is read from the network at once."""

import asyncio

import httpcore2
import httpx2
import pytest

from image_studio.providers.openai_sockets import PIECE, Network, Stream, widened


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
    assert len(asyncio.run(Stream(Inner()).read(2 * PIECE))) == 2 * PIECE


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
def test_the_http_client_takes_the_wider_network(proxy):
    """It has no parameter for it: with another version of it, this would be lost without a word."""
    assert isinstance(widened(httpx2.AsyncHTTPTransport(proxy=proxy))._pool._network_backend, Network)


def test_a_client_without_that_place_is_left_as_it_is():
    other = object()
    assert widened(other) is other
