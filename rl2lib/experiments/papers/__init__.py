"""The papers' tables and figures, one file an id: what is trained, who plays, what was published, what is claimed."""
