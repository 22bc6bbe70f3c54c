"""The text of a file as a tree: YAML with less in it, and what is left beside a line of ERB."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from . import erb
from .tree import Items, Leaf, Node, Problem, Table

_MAX_DEPTH = 20


def parsed(text: str, path: str) -> tuple[Table | None, list[Problem]]:
    """Return the tree of *text*, the contents of the file *path*, and all that is wrong with its form.

    A setting that ERB was to give is a problem, and is left out: the others are looked at all the same.
    """
    found = list(erb.problems(text, path))
    builder = _Builder(path)
    try:
        tree = builder.document(erb.replaced(text) if found else text)
    except _Unreadable as error:
        return None, [*found, *builder.problems, Problem(error.line, "", str(error), path)]
    if tree is not None and found:
        tree = erb.pruned(tree)
    return tree, [*found, *builder.problems]


class _Loader(yaml.SafeLoader):
    """Takes the ``:critical`` of ``[:critical, 6]`` for text, as Ruby does."""

    def check_value(self) -> bool:
        return not self._at_symbol() and bool(super().check_value())

    def check_plain(self) -> bool:
        return self._at_symbol() or bool(super().check_plain())

    def _at_symbol(self) -> bool:
        if not self.flow_level or self.peek() != ":" or not self.peek(1).isalpha():
            return False
        return bool(self.buffer[self.pointer - 1] in " \n[{,")


class _Unreadable(Exception):
    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet.

    *key* waits for its value; *lines* says where each key of a mapping stands.
    """

    line: int
    is_table: bool
    items: list[Node] = field(default_factory=list)
    entries: list[tuple[Leaf, Node]] = field(default_factory=list)
    lines: dict[str, int | None] = field(default_factory=dict)
    key: Leaf | None = None

    def closed(self) -> Node:
        if self.is_table:
            return Table(tuple(self.entries), self.line)
        return Items(tuple(self.items), self.line)


class _Builder:
    """Builds the tree from YAML's events: nothing is resolved, so scalars keep their text.

    Events come one by one, without recursion, so that depth is refused before it costs anything.
    """

    def __init__(self, path: str) -> None:
        self.problems: list[Problem] = []
        self._path = path
        self._open: list[_Open] = []
        self._root: Node | None = None

    def document(self, text: str) -> Table | None:
        """Return the document's mapping, None for an empty one; raise _Unreadable."""
        documents = 0
        try:
            for event in yaml.parse(text, Loader=_Loader):
                if isinstance(event, yaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        raise _Unreadable(_start(event), "a second document begins here; keep one")
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise _Unreadable(_line(error), _explained(error)) from error
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            message = f"the character U+{int(error.character):04X} is not allowed"
            raise _Unreadable(line, message) from error
        if self._root is None or (isinstance(self._root, Leaf) and self._root.empty):
            return None
        if not isinstance(self._root, Table):
            message = "the file must hold settings, as in concurrency: 10"
            raise _Unreadable(self._root.line, message)
        return self._root

    def _take(self, event: yaml.Event) -> None:
        line = _start(event)
        if isinstance(event, yaml.AliasEvent):
            self._problem(line, f"aliases are not allowed: write out what *{event.anchor} means")
            self._add(Leaf(None, line))
            return
        if isinstance(event, yaml.NodeEvent):
            self._refuse_decoration(event, line)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None
            self._add(Leaf(event.value, line, plain))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= _MAX_DEPTH:
                raise _Unreadable(line, f"nested more than {_MAX_DEPTH} levels deep")
            self._open.append(_Open(line, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._open.pop().closed())

    def _refuse_decoration(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor is not None:
            self._problem(line, f"anchors are not allowed: remove &{event.anchor}")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problem(line, f"tags are not allowed: remove {tag}")

    def _add(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if not parent.is_table:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(node, parent)
        else:
            name = str(parent.key.value)
            if name not in parent.lines:
                parent.entries.append((parent.key, node))
                parent.lines[name] = parent.key.line
            parent.key = None

    def _key(self, node: Node, parent: _Open) -> Leaf:
        if not isinstance(node, Leaf):
            raise _Unreadable(node.line, "a key must be a single word, not a list or a mapping")
        # Sidekiq's files write their keys as Ruby symbols, with a colon in front.
        key = Leaf(str(node.value).removeprefix(":"), node.line, node.plain)
        if key.value in parent.lines:
            both = f"lines {parent.lines[key.value]} and {key.line}"
            message = f"{key.value} stands twice ({both}); keep one"
            self._problem(key.line, message, key.value)
        return key

    def _problem(self, line: int | None, message: str, key: str = "") -> None:
        self.problems.append(Problem(line, key, message, self._path))


def _start(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _line(error: yaml.MarkedYAMLError) -> int | None:
    mark = error.problem_mark or error.context_mark
    return None if mark is None else mark.line + 1


def _explained(error: yaml.MarkedYAMLError) -> str:
    problem = (error.problem or "it can't be read").replace("\n", " ")
    hint = "; indent with spaces, not tabs" if "\\t" in problem else ""
    return f"this is not YAML: {problem}{hint}"
