"""E-mail over SMTP."""

from cxconsole.gateways.kind import GatewayKind
from cxconsole.gateways.smtp.gateway import build
from cxconsole.gateways.smtp.settings import SmtpSecrets, SmtpSettings

KIND = GatewayKind(
    kind="smtp", title="SMTP", channels=("email",), settings=SmtpSettings, secrets=SmtpSecrets, build=build
)
