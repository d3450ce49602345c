"""A page as a reader's program finds it."""

from html.parser import HTMLParser
from pathlib import Path

VOID = ("meta", "img", "br", "hr", "wbr", "link")  # elements without an end


class Page(HTMLParser):
    """An HTML file: its elements with their attributes, and the text of each kind of element."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(file.read_text())
        self.close()
        assert self.open == [], "elements that were never closed"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if self.open and data.strip():
            self.texts.append((self.open[-1], " ".join(data.split())))

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element of a kind."""
        return [attributes for each, attributes in self.elements if each == tag]

    def said(self, tag: str) -> list[str]:
        """The texts that stand directly in elements of a kind."""
        return [text for each, text in self.texts if each == tag]

    @property
    def text(self) -> str:
        """All of it, but the style."""
        return " ".join(text for tag, text in self.texts if tag != "style")

    def check_alone(self) -> None:
        """Asserts that it needs nothing else: no script, no network, pictures inside, each with words for it."""
        assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in self.elements}
        for _, attributes in self.elements:
            assert not [name for name in attributes if name.startswith("on")]
            assert attributes.get("src", "data:").startswith("data:")
        assert all(picture["alt"] for picture in self.of("img"))
        (policy,) = [each["content"] for each in self.of("meta") if each.get("http-equiv")]
        assert policy.startswith("default-src 'none'")
        assert not [text for text in self.said("style") if "url(" in text or "@import" in text]
