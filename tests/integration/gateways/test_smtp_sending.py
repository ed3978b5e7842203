import asyncio
import email
import email.policy


async def _send_all(gateway, messages):
    try:
        return await asyncio.gather(*(gateway.send(one) for one in messages))
    finally:
        await gateway.close()


def test_messages_arrive_once_over_few_connections(mail_server, smtp, message):
    gateway = smtp(mail_server.port, connections=3)
    receipts = asyncio.run(_send_all(gateway, [message(number) for number in range(50)]))
    assert sorted(one.rcpt_tos[0] for one in mail_server.received) == sorted(
        f"person{number}@example.com" for number in range(50)
    )
    assert receipts[0].detail == "250 2.0.0 queued"
    assert len(mail_server.sessions) <= 3
    got = email.message_from_bytes(mail_server.received[0].original_content, policy=email.policy.default)
    assert got["From"] == "Acme <hello@acme.example>"
    assert got.get_body(("html",)).get_content().strip() == "<p>Hello</p>"


def test_pipelined_messages_arrive_once(mail_server, smtp, message):
    mail_server.extensions.append("PIPELINING")
    gateway = smtp(mail_server.port, connections=3)
    asyncio.run(_send_all(gateway, [message(number) for number in range(50)]))
    assert len({one.rcpt_tos[0] for one in mail_server.received}) == len(mail_server.received) == 50
