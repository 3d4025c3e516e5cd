"""A page read strictly: whatever a browser would have to guess is a mistake.

Elements must be closed in order, ids be unique, links lead to something that is there,
headings go down one level at a time, tables have a caption and scoped header cells, and
nothing may run or be fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input"}
_EMPTY_SHAPES = {"rect", "line", "path", "circle", "use"}  # closed by "/>"
_FETCHING = {"src", "srcset", "action", "formaction", "poster", "background", "data"}


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    text: str = ""
    parts: list[Element] = field(default_factory=list)

    def all(self, name: str, **wanted: str) -> list[Element]:
        """Return the elements below this one of that name and those attributes."""
        found = []
        for part in self.parts:
            fits = all(
                part.attributes.get(attribute) == value
                for attribute, value in wanted.items()
            )
            if part.name == name and fits:
                found.append(part)
            found += part.all(name, **wanted)
        return found

    @property
    def words(self) -> str:
        """Return the text in it, white space made single."""
        return " ".join(self.text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.mistakes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)
        if tag in _EMPTY_SHAPES:
            self.mistakes.append(f"<{tag}> is not closed")
        elif tag not in _VOID:
            self.open.append(self.open[-1].parts[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.mistakes.append(f"<{tag}> has an attribute twice")
        self.open[-1].parts.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].name != tag:
            self.mistakes.append(f"</{tag}> closes <{self.open[-1].name}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data

    def handle_comment(self, data: str) -> None:
        self.mistakes.append(f"comment {data}")


def read(text: str) -> tuple[Element, list[str]]:
    """Return the page's root, and every mistake in it."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    still_open = [f"<{element.name}> is never closed" for element in reader.open[1:]]
    every = list(_every(reader.root))
    return reader.root, [
        *reader.mistakes,
        *still_open,
        *_bad_links(every),
        *_bad_headings(every),
        *_bad_tables(every),
        *_what_acts(every),
    ]


def _every(element: Element):
    for part in element.parts:
        yield part
        yield from _every(part)


def _bad_links(every: list[Element]) -> list[str]:
    ids = [one.attributes["id"] for one in every if "id" in one.attributes]
    found = [f"id {name} is there twice" for name in set(ids) if ids.count(name) > 1]
    for one in every:
        target = one.attributes.get("href") or ""
        if target.startswith("#") and target[1:] not in ids:
            found.append(f"nothing is at {target}")
        for name in ("aria-labelledby", "aria-describedby"):
            named = (one.attributes.get(name) or "").split()
            found += [f"{name} names {part}" for part in named if part not in ids]
    return found


def _bad_headings(every: list[Element]) -> list[str]:
    levels = [int(one.name[1]) for one in every if one.name in ("h1", "h2", "h3", "h4")]
    steps = zip([0, *levels], levels, strict=False)
    found = [
        f"h{after} after h{before}" for before, after in steps if after > before + 1
    ]
    return found if levels.count(1) == 1 else [*found, "not one h1"]


def _bad_tables(every: list[Element]) -> list[str]:
    found = []
    for table in (one for one in every if one.name == "table"):
        if not any(part.name == "caption" and part.words for part in table.parts):
            found.append("a table without a caption")
        headers = table.all("th")
        found += [
            f"no scope: {th.words}" for th in headers if "scope" not in th.attributes
        ]
        widths = {len(row.all("th") + row.all("td")) for row in table.all("tr")}
        if len(widths) > 1:
            found.append(f"a table with rows of {widths} cells")
    return found


def _what_acts(every: list[Element]) -> list[str]:
    found = []
    for one in every:
        if one.name in ("script", "iframe", "object", "embed", "base", "form"):
            found.append(f"<{one.name}>")
        for name, value in one.attributes.items():
            if name.startswith("on") or name in _FETCHING or name == "style":
                found.append(f"{name} of <{one.name}>")
            if name.endswith("href") and not (value or "").startswith(("#", "data:,")):
                found.append(f"{name} to {value}")
    return found
