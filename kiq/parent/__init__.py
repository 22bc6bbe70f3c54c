"""The parent: boots the application once, forks workers, and looks after them from outside.

It imports nothing here: producers read the settings of the parent, and need no more of it.
"""
