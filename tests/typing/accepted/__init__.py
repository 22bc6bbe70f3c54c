"""What type checkers must accept, with the types that they must find. Checked, never run."""
