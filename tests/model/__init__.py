"""A model of the owner protocol: pure steps, explored exhaustively and simulated by seed."""
