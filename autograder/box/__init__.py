"""Where student code runs: a server inside, a handle outside, and the wire between them."""
