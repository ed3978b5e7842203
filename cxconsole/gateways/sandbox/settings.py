"""How the sandbox's world behaves. The defaults are what a house with a fair list sees."""

from pydantic import Field

from cxconsole.gateways.kind import GatewaySettings


class SandboxSettings(GatewaySettings):
    """Shares are of 1; who does what depends on the delivery's number alone, so a world can be replayed."""

    sender: str = Field("Sandbox <hello@sandbox.example>", description="The sender shown in the inbox.")
    seed: int = Field(1, description="Another number is another world.")
    pace: float = Field(1.0, ge=0, description="1 is a human pace, 0.01 a hundred times faster, 0 at once.")
    latency_seconds: float = Field(0, ge=0, le=60, description="Time that each message takes to hand over.")
    concurrency: int = Field(20, ge=1, le=200, description="Messages handed over at once.")
    keep_messages: bool = Field(True, description="Whether messages are kept in the inbox.")
    bounced: float = Field(0.02, ge=0, le=1, description="Share that bounces.")
    opened: float = Field(0.40, ge=0, le=1, description="Share of the delivered e-mails that is opened.")
    clicked: float = Field(0.09, ge=0, le=1, description="Share of the delivered in which a link is followed.")
    replied: float = Field(0.01, ge=0, le=1, description="Share of the delivered that is answered.")
    unsubscribed: float = Field(0.004, ge=0, le=1, description="Share of the delivered that unsubscribes.")
    complained: float = Field(0.001, ge=0, le=1, description="Share of the delivered that complains.")
    slow_down_every: int = Field(0, ge=0, description="Every n-th message is answered “slow down”; 0 is never.")
    fail_every: int = Field(0, ge=0, description="Every n-th message fails for now; 0 is never.")
    down: bool = Field(False, description="Refuses everything, as a server that is switched off does.")


class SandboxSecrets(GatewaySettings):
    """The sandbox has none."""
