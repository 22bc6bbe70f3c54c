"""What there is once in a process: a copy of it is the same again."""

from __future__ import annotations

from typing import Any, Self


class Sole:
    """Copies are the object itself; another process has to find its own, if it can."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(
            f"a {type(self).__qualname__} belongs to its process: make another one there"
        )
