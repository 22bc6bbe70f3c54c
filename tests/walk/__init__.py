"""The walk of a new user: what README says, typed into a shell; and a wheel alone, beside a Redis.

It makes environments with pip, so it is no part of ``make test``: ``make walk`` runs it, and CI.
"""
