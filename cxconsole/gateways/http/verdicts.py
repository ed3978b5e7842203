"""What a vendor's answer means for the message and for the gateway."""

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from cxconsole.gateways.http.paths import parse_path, read_path
from cxconsole.gateways.http.settings import HttpSettings, IdSource, parse_statuses
from cxconsole.gateways.port import GatewayError, Receipt

_LONGEST_WORDS = 200
_REGEX_SEES = 4096


class Answer:
    """A vendor's answer: status, headers (names in lower case) and the start of its body."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.text = body.decode("utf-8", "replace")
        try:
            self.document: Any = json.loads(body)
        except ValueError:
            self.document = None


class AnswerReader:
    """Reads answers by the rules of one gateway's settings."""

    def __init__(self, settings: HttpSettings) -> None:
        self._statuses = parse_statuses(settings.success_status)
        self._success_path = parse_path(settings.success_path) if settings.success_path else None
        self._success_values = {one.strip() for one in settings.success_equals.split("|")}
        self._error_path = parse_path(settings.error_path) if settings.error_path else None
        self._id_from, self._id_at = settings.id_from, settings.id_at
        self._id_path = parse_path(settings.id_at) if settings.id_from is IdSource.JSON else []
        self._id_pattern = re.compile(settings.id_at) if settings.id_from is IdSource.REGEX else None

    def read(self, answer: Answer, *, now: datetime) -> Receipt:
        """The receipt of a message that was taken. Raises GatewayError for one that was not."""
        if not any(low <= answer.status <= high for low, high in self._statuses):
            raise self._refusal(answer, now=now)
        if self._success_path is not None:
            found = read_path(answer.document, self._success_path)
            if _as_text(found) not in self._success_values:
                raise GatewayError(
                    f"The vendor did not take the message: {self._said(answer)}",
                    permanent=True, code=_as_text(found)[:40] or str(answer.status),
                )  # fmt: skip
        return Receipt(provider_id=self._find_id(answer), detail=self._said(answer))

    def _refusal(self, answer: Answer, *, now: datetime) -> GatewayError:
        status, said = answer.status, self._said(answer)
        code = str(status)
        after = _retry_after(answer.headers.get("retry-after", ""), now=now)
        if status == 429 or (status == 503 and after is not None):
            return GatewayError(
                f"The vendor asked to slow down: {said}",
                permanent=False, code=code, slow_down=True, retry_after_seconds=after,
            )  # fmt: skip
        if status in (401, 403, 407):
            words = f"The vendor did not accept the sign-in: {said} Check the gateway's secrets."
        elif status in (404, 405, 410) or 300 <= status < 400:
            words = f"The vendor has nothing at this address: {said} Check the gateway's URL and method."
        elif status >= 500:
            words = f"The vendor has trouble: {said}"
        elif status in (408, 425) or status < 400:
            return GatewayError(f"The vendor did not take the message: {said}", permanent=False, code=code)
        else:
            return GatewayError(f"The vendor refused the message: {said}", permanent=True, code=code)
        return GatewayError(words, permanent=False, code=code, whole_gateway=True, retry_after_seconds=after)

    def _said(self, answer: Answer) -> str:
        words = _as_text(read_path(answer.document, self._error_path)) if self._error_path else ""
        words = " ".join((words or answer.text).split())[:_LONGEST_WORDS]
        return f"“{answer.status} {words}”." if words else f"“{answer.status}”."

    def _find_id(self, answer: Answer) -> str | None:
        found: Any = None
        if self._id_from is IdSource.JSON:
            found = read_path(answer.document, self._id_path)
        elif self._id_from is IdSource.HEADER:
            found = answer.headers.get(self._id_at.lower())
        elif self._id_pattern is not None:
            match = self._id_pattern.search(answer.text[:_REGEX_SEES])
            found = match[1 if self._id_pattern.groups else 0] if match else None
        return _as_text(found)[:200] or None


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _retry_after(value: str, *, now: datetime) -> float | None:
    """Seconds, from seconds or an HTTP date."""
    value = value.strip()
    if value.isdigit() and len(value) < 10:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or now.tzinfo) - now).total_seconds())
