"""Hundreds of streams are open at once, on the real server, and each gets what is for it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx

from cxconsole import clock
from cxconsole.accounts.actor import OPERATOR
from cxconsole.accounts.keys import create_key
from tests.integration.engine.world import free_port, wait_for
from tests.integration.journey.test_ingest_kill import server

STREAMS = 300


@contextmanager
def stream(port: int, key: str, person: str, got: dict[str, list[int]]) -> Iterator[threading.Thread]:
    """An open stream of a person, and a thread that reads it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"GET /v1/journey/streams/{person} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
    connection.sendall(head.encode())

    def read() -> None:
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"retry:"):
                    got[person] = []
                if line.startswith(b"data: "):
                    got[person].append(json.loads(line[6:])["data"]["n"])

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        with suppress(OSError):  # the server may have gone
            connection.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_hundreds_of_streams_are_open_at_once(database, database_url, tmp_path):
    with database.write() as session:
        _, key = create_key(session, "desk", scopes=("all",), actor=OPERATOR, now=clock.now())
    port, got = free_port(), {}
    people = [f"customer-{number}" for number in range(STREAMS)]
    with server(database_url, tmp_path, port), ExitStack() as streams:
        wait_for(lambda: answers(port), seconds=30)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}) as client:

            def send(n: int) -> None:
                batch = [
                    {"id": f"{p}-{n}", "source": "till", "type": "t", "person": p, "data": {"n": n}} for p in people
                ]
                client.post("/v1/journey/events", json=batch, timeout=30).raise_for_status()

            send(0)
            for person in people:
                streams.enter_context(stream(port, key, person, got))
            wait_for(lambda: len(got) == STREAMS, seconds=30)
            for n in (1, 2, 3):
                send(n)
            wait_for(lambda: all(len(one) == 3 for one in got.values()), seconds=30)
    assert list(got.values()) == [[1, 2, 3]] * STREAMS


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
