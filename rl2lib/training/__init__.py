"""Slow learners: what turns trajectories into new weights, and the one loop that drives them."""
