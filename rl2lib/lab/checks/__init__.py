"""Visible checks, one module a notebook: hand numbers and identities, never the reference."""
