"""SMS through a vendor's HTTP interface, described in the browser."""

from cxconsole.gateways.http.gateway import build
from cxconsole.gateways.http.settings import HttpSecrets, HttpSettings
from cxconsole.gateways.kind import GatewayKind

KIND = GatewayKind(
    kind="http", title="Custom HTTP", channels=("sms",), settings=HttpSettings, secrets=HttpSecrets, build=build
)
