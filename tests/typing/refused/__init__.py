"""What type checkers must refuse. Checked, never run.

``# refused: CODE | RULE | why`` stands above each line that they refuse: mypy with this code, pyright
with this rule. They refuse no other line.
"""
