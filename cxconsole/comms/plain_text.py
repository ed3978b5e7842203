"""A mail's text made from its HTML: what a person reads, links kept as "text (address)"."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "figure", "footer", "form", "h1",
    "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody",
    "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"})
_SKIPPED = frozenset({"head", "script", "style", "template", "title", "noscript", "object"})
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_AROUND_BREAKS = re.compile(r" *\n *")
_TOKEN = re.compile(r"{{.*?}}|{%.*?%}|{#.*?#}", re.DOTALL)
_LINE, _PARAGRAPH = "\ue010", "\ue011"  # the edge of a block, and one with an empty line
_MARK = re.compile("[\ue000\ue002](\\d+)\ue001")  # stands for an expression, or for a statement
_STATEMENT = "\ue002"


def text_from_html(html: str) -> str:
    """The readable text of a document or a part of one."""
    root = LexborHTMLParser(html).body
    if root is None:
        return ""
    pieces: list[str] = []
    _collect(root, pieces)
    return _join(pieces)


def template_text_from_html(source: str) -> str | None:
    """A Jinja2 text template from an HTML one, so that the text is not made anew for each message.

    None when that cannot be done faithfully (a statement inside a tag, or one that the HTML parser
    moves, or HTML in a value): then the text is made from each rendered HTML.
    """
    tokens = _TOKEN.findall(source)
    if any("safe" in token or "\ue000" in token for token in tokens) or "\ue000" in source:
        return None
    numbers = iter(range(len(tokens)))

    def mark(match: re.Match[str]) -> str:
        # a statement may stand where no text can, such as between the rows of a table: a comment can
        number = next(numbers)
        return f"\ue000{number}\ue001" if match[0].startswith("{{") else f"<!--{_STATEMENT}{number}\ue001-->"

    text = text_from_html(_TOKEN.sub(mark, source))
    found = [int(number) for number in _MARK.findall(text)]
    statements = [number for number, token in enumerate(tokens) if token.startswith("{%")]
    if [number for number in found if tokens[number].startswith("{%")] != statements:
        return None
    if any(opening in text for opening in ("{{", "{%", "{#")):
        return None  # written with entities in the HTML to be shown as it is
    return _MARK.sub(lambda match: _as_text(tokens[int(match[1])]), text)


def _as_text(token: str) -> str:
    return "" if token.startswith("{#") else token


def _collect(node: LexborNode, pieces: list[str]) -> None:
    """Append the node's text, with the edges of blocks between."""
    child = node.child
    while child is not None:
        tag = child.tag
        if tag == "-text":
            pieces.append(_SPACE.sub(" ", child.text_content or ""))
        elif tag == "-comment":
            pieces.extend(found[0] for found in _MARK.finditer(child.comment_content or ""))
        elif tag == "br":
            pieces.append("\n")
        elif tag == "img":
            pieces.append((child.attributes.get("alt") or "").strip())
        elif tag == "a":
            _collect_link(child, pieces)
        elif tag not in _SKIPPED:
            _collect_element(child, str(tag), pieces)
        child = child.next


def _collect_element(node: LexborNode, tag: str, pieces: list[str]) -> None:
    if tag in ("td", "th"):
        _collect(node, pieces)
        pieces.append(" ")
        return
    edge = _PARAGRAPH if tag in _PARAGRAPHS else _LINE if tag in _BLOCKS else ""
    pieces.append(edge)
    if tag == "li":
        pieces.append("- ")
    _collect(node, pieces)
    if tag == "hr":
        pieces.append("----")
    pieces.append(edge)


def _collect_link(node: LexborNode, pieces: list[str]) -> None:
    inner: list[str] = []
    _collect(node, inner)
    label = _join(inner)
    address = (node.attributes.get("href") or "").strip()
    shown = address.removeprefix("mailto:").removeprefix("tel:")
    if not address or address.startswith("#") or shown == label:
        pieces.append(label)
    else:
        pieces.append(f"{label} ({shown})" if label else shown)


def _join(pieces: list[str]) -> str:
    """One text: neighbouring edges become the stronger of them; statements between them do not count."""
    out: list[str] = []
    breaks = 2  # line breaks since the last text: none is needed at the beginning
    for piece in pieces:
        if piece in (_LINE, _PARAGRAPH):
            missing = (2 if piece == _PARAGRAPH else 1) - breaks
            if missing > 0:
                out.append("\n" * missing)
                breaks += missing
        elif piece.startswith(_STATEMENT):
            out.append(piece)
        elif piece == "\n":
            out.append(piece)
            breaks += 1
        elif piece.strip() or (piece and not breaks):
            out.append(piece.lstrip(" ") if breaks else piece)
            breaks = 0
    return _AROUND_BREAKS.sub("\n", "".join(out)).strip()
