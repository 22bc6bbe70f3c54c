"""Values of other libraries: each travels, or is refused with a path and advice that keeps it."""

from __future__ import annotations

import collections
import enum
import ipaddress
import re
import uuid
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import pytest
import redis

import kiq
from kiq.codec import Codec, decode, encode
from kiq.errors import ArgumentError
from tests.helpers.stored import in_queue

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 250_001, UTC)
every_codec = pytest.mark.parametrize("codec", ["msgpack", "json"])


def arrived(value: Any, codec: Codec = "msgpack") -> Any:
    return decode(encode({"class": "A", "args": [value]}, codec))[0]["args"][0]


def snap(*_args: Any) -> NoReturn:
    raise AttributeError("'timedelta' object has no attribute '_to_microseconds'")


# Subclasses that are converted


class Pendulum(datetime):
    """As pendulum's: its arithmetic can't do without its own kinds."""

    __sub__ = __add__ = __rsub__ = __floordiv__ = astimezone = replace = snap  # type: ignore[assignment]


class OneDay(date):
    __sub__ = __add__ = snap  # type: ignore[assignment]


class Id(uuid.UUID):
    pass


class Money(Decimal):
    def __str__(self) -> str:
        return f"€ {Decimal.__str__(self)}"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Pendulum(2026, 3, 1, 12, 30, 15, 250_001, UTC), MOMENT),
        (Pendulum(2026, 3, 1, 14, 30, 15, 250_001, timezone(timedelta(hours=2))), MOMENT),
        (
            Pendulum(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
            datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        ),
        (Pendulum(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)),
        (Pendulum(9999, 12, 31, 23, 59, 59, 999_999, UTC), datetime.max.replace(tzinfo=UTC)),
        (OneDay(2026, 3, 1), date(2026, 3, 1)),
        (Id(int=7), uuid.UUID(int=7)),
        (Money("1.50"), Decimal("1.50")),
    ],
)
def test_a_subclass_arrives_as_the_plain_value_that_it_is(value: Any, plain: Any) -> None:
    found = arrived(value)
    assert (type(found), found) == (type(plain), plain)
    assert str(found) == str(plain)
    assert type(arrived([{"deep": value}])[0]["deep"]) is type(plain)


def test_a_subclass_is_pushed_in_every_way(fake: redis.Redis, fresh_registry: Any) -> None:
    at = kiq.job(name="strangers.at")(lambda when: None)
    when = Pendulum(2026, 3, 1, 12, 30, 15, 250_001, UTC)
    at.perform_async(when)
    at.perform_async(when=when)
    at.perform_bulk([(when,), (when,)])
    assert [job["args"] or [job["kwargs"]["when"]] for job in in_queue(fake)] == [[MOMENT]] * 4


# Values that are refused


class NaTType(datetime):
    """As pandas.NaT: a datetime that is none, equals nothing, and answers no question."""

    utcoffset = isoformat = timestamp = snap  # type: ignore[assignment]
    __hash__ = datetime.__hash__

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "NaT"


class Lazy:
    """As Django's gettext_lazy: no str, but with all of its methods."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getattr__(self, name: str) -> Any:
        return getattr(str(self), name)

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __iter__(self) -> Any:
        return iter(self._text)

    def __contains__(self, part: str) -> bool:
        return part in self._text

    def __call__(self) -> str:
        return self._text


class Proxy:
    """As Django's SimpleLazyObject: it says that it is what it stands for."""

    def __init__(self, value: Any) -> None:
        self._value = value

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._value, name)

    def __str__(self) -> str:
        return str(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __iter__(self) -> Any:
        return iter(self._value)

    def __getitem__(self, key: Any) -> Any:
        return self._value[key]


class Safe(str):
    """As Django's SafeString: as a text it is itself again."""

    def __str__(self) -> str:
        return self


class Secret(str):
    def __str__(self) -> str:
        return "****"


class Number(int):
    pass


class Ratio(float):
    pass


class Rows(list[int]):
    pass


class Sizes(enum.Enum):
    SMALL = (1, 2)


class Arrow:
    datetime = MOMENT


class _Kind:
    def __init__(self, kind: str, itemsize: int = 8) -> None:
        self.kind, self.itemsize = kind, itemsize


class Scalar:
    """As the scalars of numpy."""

    def __init__(self, kind: str, value: Any, itemsize: int = 8) -> None:
        self.dtype, self.shape, self._value = _Kind(kind, itemsize), (), value

    def item(self) -> Any:
        return self if self.dtype.itemsize > 8 else self._value

    def tolist(self) -> Any:
        return self.item()

    def __float__(self) -> float:
        return float(self._value)

    def __str__(self) -> str:
        return str(self._value)


class Array(Scalar):
    def __init__(self, kind: str, value: Any) -> None:
        super().__init__(kind, value)
        self.shape = (len(value),)


class Bytes_(bytes):
    pass


Point = collections.namedtuple("Point", "x y")
KEPT: list[tuple[Any, Any]] = [
    (NaTType(1, 1, 1), None),
    (Lazy("hi"), "hi"),
    (collections.UserString("hi"), "hi"),
    (Proxy("hi"), "hi"),
    (Proxy(5), 5),
    (Proxy([1, 2]), [1, 2]),
    (Safe("hi"), "hi"),
    (Secret("hi"), "hi"),
    (Number(5), 5),
    (Ratio(0.5), 0.5),
    (Rows([1]), [1]),
    (Sizes.SMALL, "SMALL"),
    (Point(1, 2), [1, 2]),
    (collections.defaultdict(int, a=1), {"a": 1}),
    (collections.Counter("a"), {"a": 1}),
    (Scalar("i", 5), 5),
    (Scalar("M", "2026-03-01T00:00:00.000000000"), "2026-03-01T00:00:00.000000000"),
    (Scalar("f", 1.5, 16), 1.5),
    (Scalar("V", (1, 2.0)), [1, 2.0]),
    (Array("i", [5]), [5]),
    (Array("V", [(1, 2.0)]), [[1, 2.0]]),
    (Fraction(1, 2), "1/2"),
    (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    (ZoneInfo("Europe/Berlin"), "Europe/Berlin"),
    (range(3), [0, 1, 2]),
]


@every_codec
@pytest.mark.parametrize(("value", "kept"), KEPT, ids=lambda each: type(each).__name__)
def test_what_is_refused_comes_with_advice_that_keeps_it(
    codec: Codec, value: Any, kept: Any
) -> None:
    with pytest.raises(ArgumentError) as raised:
        encode({"class": "A", "args": [1, {"k": [value]}]}, codec)
    text = str(raised.value)
    assert text.startswith("A: args[1]['k'][0]: ")
    advice = re.search(r"; pass (?:.*such as )?([^;]+)", text)
    assert advice is not None
    found = eval(advice[1], {"value": value, **BUILTINS})  # noqa: S307 (our own words)
    assert arrived(found, codec) == kept


BUILTINS: dict[str, Any] = {"datetime": datetime, "date": date}


@pytest.mark.parametrize("value", [Proxy(MOMENT), Arrow()], ids=["proxy", "arrow"])
def test_what_stands_for_a_moment_can_be_passed_as_one(value: Any) -> None:
    with pytest.raises(ArgumentError) as raised:
        arrived(value)
    advice = str(raised.value).rpartition("pass ")[2].removeprefix("a plain one, such as ")
    assert arrived(eval(advice, {"value": value, **BUILTINS})) == MOMENT  # noqa: S307


class Hostile:
    """Raises whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("don't")

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("don't")


class Vague(tzinfo):
    def utcoffset(self, when: datetime | None) -> NoReturn:
        raise LookupError("no such zone")

    def dst(self, when: datetime | None) -> None:
        return None


@every_codec
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (Hostile(), "RuntimeError"),
        (MOMENT.replace(tzinfo=Vague()), "LookupError"),
        (Pendulum(2026, 1, 1, tzinfo=Vague()), "LookupError"),
    ],
    ids=["object", "datetime", "subclass"],
)
def test_a_value_that_raises_when_looked_at_is_refused_with_its_path(
    fake: redis.Redis, fresh_registry: Any, codec: Codec, value: Any, error: str
) -> None:
    with pytest.raises(ArgumentError, match=rf"A: args\[0\]: .*looking at it raised {error}"):
        arrived(value, codec)
    takes = kiq.job(name="strangers.takes")(lambda *args: None)
    with pytest.raises(ArgumentError, match=rf"args\[1\]: .*looking at it raised {error}"):
        takes.perform_async(1, value)
    assert fake.keys() == []


class Colour(str, enum.Enum):  # noqa: UP042 (the old way)
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Right(enum.IntFlag):
    READ = 1
    WRITE = 2


class Day(date, enum.Enum):
    FIRST = (2026, 3, 1)


class Text(enum.StrEnum):
    A = "a"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Right.READ | Right.WRITE, 3),
        (Text.A, "a"),
        (Day.FIRST, date(2026, 3, 1)),
    ],
)
def test_members_of_mixed_enums_travel_by_their_plain_value(member: Any, value: Any) -> None:
    found = arrived(member)
    assert (type(found), found) == (type(value), value)
