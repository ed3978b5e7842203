"""A client as a generator writes one from the contract: tables of operations and models, and nothing of us in it.

It sends what such clients send (their headers, names and encodings) and takes only what they take: a value of another
type than its model says is an error, as it is in the typed languages.
"""

import base64
import hashlib
import hmac
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

MODELS: dict[str, dict[str, str]] = {
    "Meta": {"orgId": "str"},
    "DataMessage": {"message": "str"},
    "MessageAnswer": {"meta": "Meta", "data": "DataMessage"},
    "CloudEvent": {
        "specVersion": "str", "source": "str", "id": "str", "person": "str", "previously": "str", "type": "str",
        "data": "str", "dataContentType": "str", "time": "datetime",
    },
    "ReadEvent": {
        "specVersion": "str", "source": "str", "id": "str", "person": "str", "previously": "str", "type": "str",
        "data": "object", "dataContentType": "str", "time": "datetime",
    },
    "TapeAnswer": {"meta": "Meta", "events": "list[ReadEvent]"},
    "Rules": {"logic": "str", "args": "list[object]"},
    "WidgetAttributes": {"type": "str", "tag": "str"},
    "TemplateAttribute": {
        "version": "str", "event": "str", "metadata": "str", "metadataType": "str", "limit": "int",
        "displayName": "str", "lookbackDurationType": "str", "lookbackPeriod": "int", "aggregationMode": "str",
        "verbose": "bool", "rules": "Rules", "widgetAttributes": "WidgetAttributes",
    },
    "Template": {"id": "str", "name": "str", "datapointCount": "int", "attributes": "list[TemplateAttribute]"},
    "TemplateList": {"meta": "Meta", "data": "list[Template]"},
    "ViewJob": {"id": "str", "getUriStatusQuery": "str"},
    "AttributeView": {"queryTemplate": "TemplateAttribute", "result": "str", "journeyEvents": "list[str]"},
    "ProfileView": {
        "name": "str", "customerId": "str", "generatedAt": "datetime", "attributeView": "list[AttributeView]",
    },
    "Identity": {"id": "str", "aliases": "list[str]", "lastSeen": "object"},
    "IdentityAnswer": {"meta": "Meta", "data": "Identity"},
    "IdentityList": {"meta": "Meta", "data": "list[Identity]"},
    "Message": {"description": "str"},
    "Error": {"key": "int", "message": "list[Message]"},
    "ErrorAnswer": {"error": "Error", "trackingId": "str"},
}  # fmt: skip

# name: (method, path, media type of the body, model of the answer)
OPERATIONS = {
    "postEvents": ("POST", "/v1/journey/events", "application/cloudevents+json", "MessageAnswer"),
    "readEvents": ("GET", "/v1/journey/events", "", "TapeAnswer"),
    "readEventsByIdentity": ("GET", "/v1/journey/events/{identity}", "", "TapeAnswer"),
    "createProfileViewTemplate": ("POST", "/v1/journey/views/templates", "application/json", "MessageAnswer"),
    "getProfileViewTemplates": ("GET", "/v1/journey/views/templates", "", "TemplateList"),
    "deleteProfileViewTemplate": ("DELETE", "/v1/journey/views/templates", "", "MessageAnswer"),
    "createView": ("POST", "/v1/journey/views", "", "ViewJob"),
    "getViewStatus": ("GET", "/v1/journey/views", "", ""),
    "profileBuilder": ("POST", "/v1/journey/profileview", "application/json", "ProfileView"),
    "listIdentities": ("GET", "/v1/journey/identities", "", "IdentityList"),
    "getIdentity": ("GET", "/v1/journey/identities/{id}", "", "IdentityAnswer"),
}


class ApiError(Exception):
    """What such a client raises for every status that is none of success."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def sign(secret: str, *, service: str, permission: str, app: str, is_encoded: bool = True) -> str:
    """As the tools beside the SDKs sign: Node's encode the signature, Python's leave it as base64 made it."""
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000") + "Z"
    text = f"so=acme&sn=sandbox&ss={service}&sp={permission}&se={until}&sk={app}"
    signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
    return f"SharedAccessSignature {text}&sig={quote(signature, safe='') if is_encoded else signature}"


class GeneratedClient:
    """`call("readEvents", authorization=..., query={"$top": 5})`."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.status = 0

    def call(
        self,
        operation: str,
        authorization: str,
        *,
        path: dict[str, str] | None = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        method, url, media_type, model = OPERATIONS[operation]
        for name, value in (path or {}).items():
            url = url.replace(f"{{{name}}}", quote(value, safe=""))
        if query:
            given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
            url += f"?{urlencode(given)}"
        request = urllib.request.Request(f"{self._host}{url}", method=method)
        request.add_header("Accept", "application/json")
        request.add_header("authorization", authorization)
        request.add_header("User-Agent", "Swagger-Codegen/1.0.0/python")
        for name, value in (headers or {}).items():
            request.add_header(name, str(value))
        if media_type:
            request.add_header("Content-Type", media_type)
            request.data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.status = answer.status
                told = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, read("ErrorAnswer", json.loads(error.read()))) from None
        return read(model, told) if model else told


def read(kind: str, value: Any) -> Any:
    """The value as its model says; what is missing or null is None. Raises TypeError for a value of another type."""
    if value is None or kind == "object":
        return value
    if kind.startswith("list["):
        _check(kind, value, list)
        return [read(kind[5:-1], one) for one in value]
    if kind in MODELS:
        _check(kind, value, dict)
        return {name: read(inner, value.get(name)) for name, inner in MODELS[kind].items()}
    _check(kind, value, {"str": str, "int": int, "bool": bool, "datetime": str}[kind])
    return datetime.fromisoformat(value) if kind == "datetime" else value


def _check(kind: str, value: Any, wanted: type) -> None:
    if type(value) is not wanted:
        raise TypeError(f"{value!r} is no {kind}")
