"""A gateway that keeps every message in this machine and plays the world's answers."""

from cxconsole.gateways.kind import GatewayKind
from cxconsole.gateways.sandbox.gateway import build
from cxconsole.gateways.sandbox.settings import SandboxSecrets, SandboxSettings

KIND = GatewayKind(
    kind="sandbox",
    title="Sandbox",
    channels=("email", "sms"),
    settings=SandboxSettings,
    secrets=SandboxSecrets,
    build=build,
    sandbox=True,
)
