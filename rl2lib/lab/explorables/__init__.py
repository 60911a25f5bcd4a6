"""Small things to play with: pure functions of their controls, drawn in a notebook."""
