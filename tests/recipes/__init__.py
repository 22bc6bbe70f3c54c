"""The recipes of deploy/, tried with the supervisors that they are for: make recipes."""
