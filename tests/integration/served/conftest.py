"""Over the network: the real server, and clients that know nothing of how it is made."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.integration import serving

application, console, key_for = serving.application, serving.console, serving.key_for


@pytest.fixture
def client(console: str, key_for: Callable[..., dict[str, str]]) -> Iterator[httpx.Client]:
    """A client whose key may do everything."""
    with httpx.Client(base_url=console, headers=key_for("all"), timeout=30) as client:
        yield client
