"""``kiq top``: the fleet on a terminal, to be seen and steered. It needs the extra ``kiq[top]``.

One thread reads, once a second, and never the one that draws; what it has read is a value, a
:class:`~kiq.top.picture.Picture`, that the terminal shows. ``serving`` opens it.
"""
