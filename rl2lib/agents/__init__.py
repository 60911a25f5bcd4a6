"""Fast learners: everything that has `initial_state` and `act`."""
