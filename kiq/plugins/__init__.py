"""Features that attach to a worker by :class:`kiq.Plugin`; those that come with kiq."""
