"""The request to a vendor, as sandboxed templates."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

_LONGEST_BODY = 1_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SAMPLE_TEXT = 'Your "code" is 1234,\nünïcode & more'


class BadTemplate(ValueError):
    """A template that cannot be used; the text names the part and how to mend it."""


class _Quoted(str):
    """Text that is URL-encoded already."""

    __slots__ = ()


def _quote_once(value: Any) -> str:
    return value if isinstance(value, _Quoted) else quote(str(value), safe="")


def _to_json(value: Any) -> str:
    if isinstance(value, Undefined):
        str(value)  # raises, and says which name it is
    # Jinja's own tojson escapes for HTML (“&” becomes \u0026): right, but twice as long on the wire
    return json.dumps(value, ensure_ascii=False)


def _environment(**options: Any) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, **options
    )
    environment.filters["tojson"] = _to_json
    environment.filters["urlencode"] = lambda value: _Quoted(quote(str(value), safe=""))
    environment.filters["base64"] = lambda value: base64.b64encode(str(value).encode()).decode()
    return environment


_TEXT = _environment()
_URL = _environment(finalize=_quote_once)


@dataclass(frozen=True, kw_only=True)
class RenderedRequest:
    """What goes to the vendor."""

    url: httpx.URL
    headers: dict[str, str]
    body: bytes


class RequestTemplates:
    """The compiled templates of one gateway. Raises BadTemplate on a mistake in them."""

    def __init__(self, *, url: str, headers: Mapping[str, str], body: str) -> None:
        self._url = _compile(_URL, url.strip(), "url")
        self._headers = {name: _compile(_TEXT, value, f"headers.{name}") for name, value in headers.items()}
        self._body = _compile(_TEXT, body, "body")
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
        if kind is None and body.strip():
            kind = "application/json" if body.lstrip().startswith(("{", "[")) else "application/x-www-form-urlencoded"
            self._headers["Content-Type"] = _TEXT.from_string(kind)
        self.is_json = bool(kind and "json" in kind and body.strip())

    def render(self, values: Mapping[str, Any]) -> RenderedRequest:
        """The request for one message. Raises BadTemplate."""
        url = _render(self._url, values, "url")
        headers = {name: _render(template, values, f"headers.{name}") for name, template in self._headers.items()}
        for name, value in headers.items():
            if _CONTROL.search(value):
                raise BadTemplate(f"headers.{name}: a merged value holds a line break, which a header must not have.")
        body = _render(self._body, values, "body").encode("utf-8", "replace")
        if len(body) > _LONGEST_BODY:
            raise BadTemplate("body: longer than a million bytes.")
        if self.is_json:
            try:
                json.loads(body)
            except ValueError as error:
                raise BadTemplate(
                    f"body: not JSON once the values are in ({error}). Write {{{{ text | tojson }}}} without quotes."
                ) from None
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, ValueError) as error:
            raise BadTemplate(f"url: not an address once the values are in ({error}).") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise BadTemplate("url: begin with https:// and a host.")
        return RenderedRequest(
            url=parsed,
            headers={name: value.encode("utf-8", "replace").decode("latin-1") for name, value in headers.items()},
            body=body,
        )

    def try_out(self, *, sender: str) -> None:
        """Render with values that catch common mistakes: quotes, line breaks, letters beyond ASCII."""
        one = self.render(sample_values(sender, target="+15550100123"))
        other = self.render(sample_values(sender, target="evil.example", text="evil.example"))
        if one.url.host != other.url.host or one.url.port != other.url.port:
            raise BadTemplate("url: the host must not depend on the message.")


def sample_values(sender: str, *, target: str, text: str = _SAMPLE_TEXT) -> dict[str, Any]:
    """Values to try a template with."""
    secrets = {"token": "sample-token", "username": "sample-user", "password": "sample-password"}
    return message_values(
        target=target, text=text, subject="", message_id="d1.c1001@console", sender=sender,
        fields=_AnyField(text), secrets=secrets,
    )  # fmt: skip


def message_values(
    *, target: str, text: str, subject: str, message_id: str, sender: str, fields: Any, secrets: Mapping[str, str]
) -> dict[str, Any]:
    """The names that templates may use. `secrets.basic` is what follows “Basic ” in an Authorization header."""
    basic = f"{secrets.get('username', '')}:{secrets.get('password', '')}".encode()
    return {
        "target": target,
        "text": text,
        "subject": subject,
        "message_id": message_id,
        "sender": sender,
        "fields": fields,
        "secrets": {**secrets, "basic": base64.b64encode(basic).decode()},
    }


class _AnyField(dict[str, str]):
    """While a template is tried out, a person has every field."""

    def __init__(self, value: str) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, key: str) -> str:
        return self._value


def _compile(environment: ImmutableSandboxedEnvironment, source: str, part: str) -> Any:
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise BadTemplate(f"{part}: {error}.") from None


def _render(template: Any, values: Mapping[str, Any], part: str) -> str:
    try:
        return template.render(values)
    except UndefinedError as error:
        raise BadTemplate(f"{part}: {error.message}. The names are {', '.join(values)}.") from None
    except TemplateError as error:
        raise BadTemplate(f"{part}: {error}.") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise BadTemplate(f"{part}: {type(error).__name__} in the template ({error}).") from None
