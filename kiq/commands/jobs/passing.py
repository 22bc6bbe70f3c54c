"""Commands that hand on flags of ``kiq run``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from ...cli.run import run


class PassesOn(click.Command):
    """Leaves what it does not know to ``kiq run``; ``-rapp`` is ``-r app``, though ``-p`` is its own."""

    ignore_unknown_options = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take clusters apart by what their letters mean to ``kiq run``, too. Raises NoSuchOption."""
        own, others = _letters(self), _letters(run)
        end = args.index("--") if "--" in args else len(args)
        parts = [part for each in args[:end] for part in _apart(each, own, others)]
        return super().parse_args(ctx, [*parts, *args[end:]])


def _letters(command: click.Command) -> dict[str, bool]:
    """Return the options of one letter, and whether each takes a value."""
    options = [each for each in command.params if isinstance(each, click.Option)]
    return {
        name: not each.is_flag
        for each in options
        for name in each.opts
        if len(name) == 2 and name[0] == "-"
    }


def _apart(written: str, own: Mapping[str, bool], others: Mapping[str, bool]) -> Iterator[str]:
    known = {**others, **own}
    while len(written) > 2 and written[0] == "-" and written[1].isalpha():
        letter, rest = written[:2], written[2:]
        if letter not in known:
            # click would look behind it for letters that are the command's own.
            raise click.NoSuchOption(letter)
        yield letter
        written = rest if known[letter] else f"-{rest}"
        if known[letter]:
            break
    yield written
