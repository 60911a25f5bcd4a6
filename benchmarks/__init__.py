"""What this project's speed is measured with: `rl2 bench`, or `python benchmarks/bench.py`. See docs/performance.md."""
