"""All kinds of gateways. A new kind is a folder and one line here."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from cxconsole.accounts.vault import Vault
from cxconsole.database import Database
from cxconsole.errors import FieldProblem, Invalid
from cxconsole.gateways import http, sandbox, smtp
from cxconsole.gateways.kind import GatewayContext, GatewayKind
from cxconsole.gateways.port import Gateway
from cxconsole.settings import Settings
from models.gateway import Gateway as GatewayRow

Model = TypeVar("Model", bound=BaseModel)

KINDS: dict[str, GatewayKind] = {one.kind: one for one in (smtp.KIND, http.KIND, sandbox.KIND)}


def find_kind(kind: str) -> GatewayKind:
    """The kind of this name; Invalid when there is none."""
    found = KINDS.get(kind)
    if found is None:
        raise Invalid.field("kind", f"There is no gateway kind “{kind}”. Known kinds: {', '.join(sorted(KINDS))}.")
    return found


def check_settings(model: type[Model], values: object, *, loc: str) -> Model:
    """The values as a checked model; Invalid names each bad field as `<loc>.<field>` (`<field>` when loc is empty)."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            FieldProblem(
                loc=".".join([*filter(None, [loc]), *map(str, one["loc"])]), msg=_words(one["type"], one["msg"])
            )
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise Invalid("; ".join(f"{one.loc}: {one.msg}" for one in problems), errors=problems) from None


def build_gateway(row: GatewayRow, *, vault: Vault, database: Database, settings: Settings) -> Gateway:
    """The gateway of a row, ready to send. Opens nothing until the first message.

    Raises Invalid when the stored settings no longer fit the kind, CxError when the vault's key is another one.
    """
    kind = find_kind(row.kind)
    assert row.id is not None, "a gateway is built from a stored row"
    return kind.build(
        check_settings(kind.settings, row.settings, loc="settings"),
        check_settings(kind.secrets, vault.open(row.secrets), loc="secrets"),
        GatewayContext(gateway_id=row.id, channel=row.channel, database=database, console=settings),
    )


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "There is no setting of this name."
    if kind == "missing":
        return "This setting is needed."
    if kind == "string_too_short":
        return "This setting is needed."
    if kind in ("int_parsing", "int_from_float"):
        return "This is to be a whole number."
    if kind == "float_parsing":
        return "This is to be a number."
    return message.removeprefix("Value error, ").replace("Input should be", "This is to be")
