"""What to tell people who made a mistake: loaded when one is made, and no part of a job's way."""
