"""What the browser tag costs a page: the time it keeps the main thread, and how much there is to fetch.

`python tests/bench/bench_tag.py [--views N]`. A page of 300 nodes is looked at again and again in a real browser: it
loads, its view is told, and it is left; and once more with ten clicks and 40 changes in between. The time is the main
thread's own in all tasks of the tag's script, from the browser's trace. In turns with it a yardstick: a script of the
same size that takes the calls and does nothing.
"""

import argparse
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from console import chromium
from harness import percentile, report, spread
from playwright.sync_api import Browser

from cxconsole.api.web_files import TAG, read_script

EMPTY = "(function () {{ window.cjaas = function () {{}}; window.cjaas.version = 'none'; }})(); /*{}*/"
LIMIT_MS = 5
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Bench</title><link rel="icon" href="data:,">
<script>
window.cjaas = window.cjaas || function () { (cjaas.q = cjaas.q || []).push(arguments); };
cjaas.scriptURL = "/%s";
cjaas.baseURL = location.origin;
document.head.appendChild(Object.assign(document.createElement("script"), { src: cjaas.scriptURL, async: true }));
cjaas("dsWriteToken", "SharedAccessSignature so=a&sn=b&ss=ds&sp=w&se=2099-01-01T00:00:00.000Z&sk=web&sig=AAAA");
cjaas("option", "PAGE_TRACK", true);
cjaas("listen_all", "[data-product]", "product.seen", "click", ["data-product"]);
cjaas("listen_all", ".offer", "offer.shown", "added");
cjaas("listen", "form", "form.sent", "submit");
cjaas("init");
</script></head><body>
<main>%s</main><div id="news"></div></body></html>"""
USE = """async () => {
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  await wait(150);
  const news = document.getElementById("news");
  for (let at = 0; at < 40; at += 1) {
    const className = at % 20 ? "plain" : "offer";
    news.append(Object.assign(document.createElement("p"), { className, textContent: at }));
    if (at % 10 === 0) await wait(5);
  }
  for (let at = 0; at < 10; at += 1) {
    document.querySelector(`[data-product="${at}"]`).click();
    await wait(10);
  }
  await wait(150);
}"""
VIEW = "() => new Promise((resolve) => setTimeout(resolve, 400))"
SCRIPTS = frozenset({"EvaluateScript", "FunctionCall", "v8.compile", "v8.run"})


@contextmanager
def site(tag: str) -> Iterator[tuple[str, list[bytes]]]:
    """A web site with the tag and with an empty one, which takes their events; its address, and what it was sent."""
    products = "".join(f'<div class="card"><a href="#{n}" data-product="{n}">Product {n}</a></div>' for n in range(150))
    files = {"/cj.js": tag, "/empty.js": EMPTY.format("x" * (len(tag) - len(EMPTY.format(""))))}
    files |= {f"/{name}.html": PAGE % (f"{name}.js", products) for name in ("cj", "empty")}
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(200, files.get(self.path, "").encode())

        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(202, b"{}")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            kind = "text/javascript" if self.path.endswith(".js") else "text/html"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing to tell."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", sent
    server.shutdown()
    server.server_close()


def look(browser: Browser, url: str, name: str, is_used: bool) -> float:
    """Look at a page once; milliseconds of the main thread in the script of this name."""
    page = browser.new_page()
    browser.start_tracing(page=page, categories=["devtools.timeline", "v8"])
    page.goto(f"{url}/{name}.html")
    page.wait_for_function("window.cjaas && cjaas.version")
    page.evaluate(USE if is_used else VIEW)
    page.goto("about:blank")
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    page.close()
    return sum(_tasks(trace, f"/{name}.js"))


def _tasks(trace: list[dict[str, Any]], script: str) -> list[float]:
    """Milliseconds of each task in which the script ran; what is inside of another one is not counted again."""
    spans = sorted(
        (one["ts"], one["ts"] + one.get("dur", 0), one.get("tdur", 0))
        for one in trace
        if one["ph"] == "X" and one["name"] in SCRIPTS and _url(one).endswith(script)
    )
    found: list[float] = []
    latest = 0
    for start, end, spent in spans:
        if start >= latest:
            found.append(spent / 1000)
        latest = max(latest, end)
    return found


def _url(one: dict[str, Any]) -> str:
    arguments = one.get("args", {})
    data = arguments.get("data") or {}
    return str(data.get("url") or arguments.get("fileName") or "").partition("?")[0]


def main(views: int) -> None:
    """Look at both pages in turns, first only at the page, then with all that is done there."""
    plain, packed, _ = read_script(TAG)
    with site(plain.decode()) as (url, sent), chromium() as browser:
        for is_used in (False, True):
            times: dict[str, list[float]] = {"cj": [], "empty": []}
            for at in range(views + 2):
                for name, found in times.items():
                    told = look(browser, url, name, is_used)
                    if at >= 2:
                        found.append(told)
            limit = (
                {} if is_used else {"limit_ms": LIMIT_MS, "ratio_to_limit": percentile(times["cj"], 0.95) / LIMIT_MS}
            )
            report(
                "tag_in_use" if is_used else "tag", **spread(times["cj"]), **limit,
                yardstick_p50_ms=percentile(times["empty"], 0.5), packed_bytes=len(packed), limit_bytes=10_000,
            )  # fmt: skip
    assert b"page.viewed" in b"".join(sent) and b"offer.shown" in b"".join(sent)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", type=int, default=20)
    main(parser.parse_args().views)
