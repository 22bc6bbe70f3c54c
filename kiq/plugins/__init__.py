"""Features that attach to the host; those that a worker has by itself are named in :mod:`kiq.boot`."""
