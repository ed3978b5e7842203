"""A client of the journey contract in one file: send events, follow a stream, read a profile. It needs httpx.

    with JourneyClient("https://console.example", key=os.environ["KEY"], source="shop") as journey:
        journey.send(Event(type="order.placed", person="ada@mail.example", data={"total": 129.5}))
        for told in journey.follow("ada@mail.example"):
            print(told.id, told.event["type"])

With `app` and `secret` in place of a key it signs tokens of its own, each for one service and for some minutes.
"""

import base64
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

MOST_AT_ONCE = 500
"""Events in one request; the console takes 1,000."""
MOST_TRIES = 8
LONGEST_PAUSE_SECONDS = 60.0
SILENCE_SECONDS = 40.0
"""A stream says something every 15 seconds; one that says nothing for so long is dead."""
_LATER = frozenset({408, 429, 500, 502, 503, 504})


class JourneyError(Exception):
    """What the console did not do, and why, in its own words."""

    def __init__(self, status: int, messages: Sequence[str], tracking_id: str) -> None:
        super().__init__(f"{status}: {' '.join(messages)}")
        self.status = status
        self.messages = messages
        self.tracking_id = tracking_id


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a person. Sending it twice counts once, because the `id` stays."""

    type: str
    person: str
    data: Mapping[str, Any] = field(default_factory=dict)
    previously: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, kw_only=True)
class Told:
    """An event of a stream; `id` is where to go on behind it."""

    id: int
    event: dict[str, Any]


def sign_token(
    secret: str,
    *,
    app: str,
    service: str,
    permission: str,
    lasts: timedelta = timedelta(minutes=15),
    organization: str = "cxconsole",
    namespace: str = "python",
) -> str:
    """The `Authorization` header of an app, for one service (`ds`, `stream`, `profile`, `tape`, ...)."""
    until = (datetime.now(UTC) + lasts).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    signed = f"so={organization}&sn={namespace}&ss={service}&sp={permission}&se={until}&sk={app}"
    digest = hmac.digest(secret.encode(), signed.encode(), hashlib.sha256)
    return f"SharedAccessSignature {signed}&sig={quote(base64.b64encode(digest), safe='')}"


class JourneyClient:
    """Speaks with one console. Use it in a `with` block, or call `close`."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        app: str = "",
        secret: str = "",
        source: str = "python",
        token_lasts: timedelta = timedelta(minutes=15),
    ) -> None:
        if bool(key) == bool(app and secret):
            raise ValueError("Give a key of the console, or an app with its secret.")
        self._http = httpx.Client(base_url=url, timeout=30)
        self._key, self._app, self._secret = key, app, secret
        self._source = source
        self._token_lasts = token_lasts

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def send(self, *events: Event) -> None:
        """Returns when all of them are on the Tape. Raises JourneyError, which names those that were refused."""
        for at in range(0, len(events), MOST_AT_ONCE):
            part = [self._document(one) for one in events[at : at + MOST_AT_ONCE]]
            self._ask("POST", "/v1/journey/events", "ds", "w", json=part)

    @contextmanager
    def batch(self) -> "Iterator[Batch]":
        """A place to put events one by one; they are sent many at a time, the last of them when the block ends well."""
        batch = Batch(self)
        yield batch
        batch.flush()

    def read_events(self, *, filter: str = "", top: int = 100) -> list[dict[str, Any]]:
        """Events that a filter lets through, newest first: `person eq 'ada@mail.example' and data/total ge 100`."""
        asked = {"$filter": filter, "$top": top} if filter else {"$top": top}
        return self._ask("GET", "/v1/journey/events", "tape", "r", params=asked).json()["events"]

    def read_profile(self, view: str, person: str) -> dict[str, str]:
        """What a profile view comes to for a person: the result of each attribute by its name."""
        asked = {"ViewId": view, "PersonId": person}
        read = self._ask("GET", "/v1/journey/views", "profile", "r", params=asked).json()
        return {one["queryTemplate"]["displayName"]: one["result"] for one in read["attributeView"]}

    def follow(
        self,
        person: str | None = None,
        *,
        types: Iterable[str] = (),
        sources: Iterable[str] = (),
        after: int | None = None,
    ) -> Iterator[Told]:
        """Events as they come, without an end: a line that breaks is taken up again where it was.

        Keep the `id` of the last one to go on `after` it another day.
        """
        path = "/v1/journey/streams" + (f"/{quote(person, safe='')}" if person is not None else "")
        query = {"type": list(types), "source": list(sources)}
        tries = 0
        while True:
            pause = None
            try:
                headers = {"Authorization": self._authorization("stream", "r")}
                if after is not None:
                    headers["Last-Event-ID"] = str(after)
                wait = httpx.Timeout(30, read=SILENCE_SECONDS)
                with self._http.stream("GET", path, params=query, headers=headers, timeout=wait) as answer:
                    if answer.is_error:
                        answer.read()
                        pause = self._pause_after(answer, tries)
                    else:
                        for after, event in _read_stream(answer.iter_lines()):
                            tries = 0
                            if event is not None:
                                yield Told(id=after, event=event)
            except httpx.TransportError:
                pause = _pause(tries)
            if pause is not None:
                tries += 1
                time.sleep(pause)

    def _document(self, event: Event) -> dict[str, Any]:
        document = {
            "specVersion": "1.0", "id": event.id, "source": self._source, "type": event.type, "person": event.person,
            "time": event.time.isoformat(), "dataContentType": "application/json", "data": event.data,
        }  # fmt: skip
        return document if event.previously is None else {**document, "previously": event.previously}

    def _ask(self, method: str, path: str, service: str, permission: str, **more: Any) -> httpx.Response:
        """The answer; what the console cannot take now is asked again, when it says."""
        for tries in range(MOST_TRIES):
            headers = {"Authorization": self._authorization(service, permission)}
            try:
                answer = self._http.request(method, path, headers=headers, **more)
            except httpx.TransportError:
                if tries == MOST_TRIES - 1:
                    raise
                time.sleep(_pause(tries))
                continue
            if not answer.is_error:
                return answer
            time.sleep(self._pause_after(answer, tries))
        raise AssertionError("The last try answers or raises.")

    def _pause_after(self, answer: httpx.Response, tries: int) -> float:
        """So long to wait before it is asked again. Raises JourneyError when there is no use in that."""
        if answer.status_code not in _LATER or tries >= MOST_TRIES - 1:
            raise _error_of(answer)
        told = answer.headers.get("Retry-After", "")
        return max(float(told) if told.isdecimal() else 0.0, _pause(tries))

    def _authorization(self, service: str, permission: str) -> str:
        if self._key:
            return f"Bearer {self._key}"
        return sign_token(self._secret, app=self._app, service=service, permission=permission, lasts=self._token_lasts)


class Batch:
    """Events on their way."""

    def __init__(self, client: JourneyClient) -> None:
        self._client = client
        self._waiting: list[Event] = []

    def add(self, event: Event) -> None:
        """Put one in; it is sent with others."""
        self._waiting.append(event)
        if len(self._waiting) >= MOST_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        waiting, self._waiting = self._waiting, []
        self._client.send(*waiting)


def _read_stream(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(where to go on behind, the event); without an event the stream only says where it stands."""
    place: int | None = None
    event = None
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            place = int(value)
        elif name == "data":
            event = json.loads(value)
        elif not line and place is not None:
            yield place, event
            event = None


def _pause(tries: int) -> float:
    """Longer each time, and never the same for two who wait."""
    return min(LONGEST_PAUSE_SECONDS, 0.5 * 2**tries) * random.uniform(0.5, 1)  # noqa: S311


def _error_of(answer: httpx.Response) -> JourneyError:
    try:
        told = answer.json()
        messages = [one["description"] for one in told["error"]["message"]]
        return JourneyError(answer.status_code, messages, told["trackingId"])
    except (ValueError, KeyError, TypeError):
        return JourneyError(answer.status_code, [answer.text[:200]], "")
