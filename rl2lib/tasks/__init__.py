"""Distributions over tasks, batched in torch, and the environments that play them."""
