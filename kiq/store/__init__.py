"""The only rooms that name redis: connections, scripts, and what they do to jobs and processes."""
