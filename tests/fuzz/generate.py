"""The stream of payloads of a seed: all the special ones first, then mutations without end."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from tests.fuzz.mutate import mutant, noise, odd_field, swapped_fields, well_formed
from tests.fuzz.samples import FORMATS, Sample
from tests.fuzz.specials import specials


def samples(seed: int, *, thorough: bool = True) -> Iterator[Sample]:
    """Yield samples for ever; the same seed gives the same ones, on any machine.

    Not *thorough*: of what is exhaustive (two-byte strings, depths) only a part.
    """
    chance = random.Random(seed)
    return itertools.chain(specials(chance, thorough=thorough), mutations(chance))


def mutations(chance: random.Random) -> Iterator[Sample]:
    """Yield mutated jobs of both formats, and some that are well-formed."""
    while True:
        form = chance.choice(FORMATS)
        match chance.randrange(10):
            case 0:
                yield well_formed(chance, form)
            case 1:
                yield odd_field(chance, form)
            case 2:
                yield swapped_fields(chance, form)
            case 3:
                yield Sample(noise(chance, form))
            case _:
                yield Sample(mutant(chance, form))
