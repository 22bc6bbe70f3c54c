"""The words of pages in each language: found by the English ones, which stand in the templates."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from werkzeug.datastructures import LanguageAccept

Forms = tuple[str, ...]


def _one_other(number: int) -> int:
    return 0 if number == 1 else 1


def _french(number: int) -> int:
    return 0 if number in (0, 1) else 1


def _russian(number: int) -> int:
    if number % 10 == 1 and number % 100 != 11:
        return 0
    return 1 if number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14) else 2


def _arabic(number: int) -> int:
    if number in (0, 1, 2):
        return number
    return 3 if 3 <= number % 100 <= 10 else 4 if number % 100 >= 11 else 5


#: Language -> its own name, how many forms a counted noun has, and which belongs to a number.
LANGUAGES: Mapping[str, tuple[str, int, Callable[[int], int]]] = {
    "en": ("English", 2, _one_other),
    "ar": ("العربية", 6, _arabic),
    "de": ("Deutsch", 2, _one_other),
    "es": ("Español", 2, _one_other),
    "fr": ("Français", 2, _french),
    "it": ("Italiano", 2, _one_other),
    "ja": ("日本語", 1, lambda _number: 0),
    "pt-BR": ("Português (Brasil)", 2, _french),
    "ru": ("Русский", 3, _russian),
    "zh-CN": ("简体中文", 1, lambda _number: 0),
}
RIGHT_TO_LEFT = frozenset({"ar"})


@dataclass(frozen=True)
class Locale:
    """One language. Threads: any."""

    language: str
    texts: Mapping[str, str]
    counted: Mapping[str, Forms]

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def text(self, english: str, **values: object) -> str:
        """Return *english* in this language, with *values*, if any, put in for ``{names}``."""
        found = self.texts.get(english, english)
        # Titles may be names of anybody's: braces in them name nothing.
        return found.format(**values) if values else found

    def count(self, one: str, other: str, number: int, **values: object) -> str:
        """Return the form that belongs to *number*; ``{n}`` in it is the number, with its separators."""
        forms = self.counted.get(other, (one, other))
        at = LANGUAGES[self.language][2](number) if other in self.counted else _one_other(number)
        return forms[at].format(n=f"{number:,}", **values)


class Locales:
    """All languages, with the words of all sections."""

    def __init__(self, folders: Iterable[Traversable]) -> None:
        self._of: dict[str, Locale] = {}
        places = list(folders)
        for language in LANGUAGES:
            texts: dict[str, str] = {}
            counted: dict[str, Forms] = {}
            for folder in places:
                _read_into(folder / f"{language}.toml", texts, counted)
            self._of[language] = Locale(language, texts, counted)

    def of(self, language: str) -> Locale:
        """Return a language; English for one that is not there."""
        return self._of.get(language) or self._of["en"]

    def best(self, accepted: LanguageAccept) -> Locale:
        """Return what a browser would rather have, by its own order; English where it says nothing."""
        for wanted, _quality in accepted:
            for language in LANGUAGES:
                if wanted.lower() in (language.lower(), language.lower().partition("-")[0]):
                    return self._of[language]
                # "de-AT" is read by those who read "de"; "zh-TW" is not "zh-CN".
                if "-" not in language and wanted.lower().partition("-")[0] == language:
                    return self._of[language]
        return self._of["en"]


def _read_into(file: Traversable, texts: dict[str, str], counted: dict[str, Forms]) -> None:
    if not file.is_file():
        return
    for english, words in tomllib.loads(file.read_text("utf-8")).items():
        if isinstance(words, str):
            texts[english] = words
        else:
            counted[english] = tuple(words)
