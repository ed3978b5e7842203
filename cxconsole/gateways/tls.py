"""TLS towards the servers of gateways."""

import ssl


def make_client_context(*, verify: bool, ca_certificate: str = "") -> ssl.SSLContext:
    """The rules of a connection: the system's authorities and, when given, one of the house (PEM)."""
    context = ssl.create_default_context()
    if ca_certificate:
        context.load_verify_locations(cadata=ca_certificate)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def check_certificate(pem: str) -> str:
    """The PEM text without surrounding space; empty stays empty. Raises ValueError."""
    if pem.strip():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError):
            raise ValueError("This is not a certificate in PEM form (-----BEGIN CERTIFICATE-----).") from None
    return pem.strip()


def describe_connection(connection: ssl.SSLObject | None, *, verify: bool) -> str:
    """“Connected, TLS 1.3, certificate good.”"""
    if connection is None:
        return "Connected, without TLS."
    version = (connection.version() or "TLS").replace("TLSv", "TLS ")
    certificate = connection.getpeercert()
    until = f" until {_day(str(certificate['notAfter']))}" if certificate else ""
    return f"Connected, {version}, {'certificate good' if verify else 'certificate not checked'}{until}."


def _day(not_after: str) -> str:
    month, day, _, year, _ = not_after.split()  # “Jun  1 12:00:00 2027 GMT”
    return f"{day} {month} {year}"
