"""How a published table comes about again: plan, train, measure, write. What is in the tables is in `papers`."""
