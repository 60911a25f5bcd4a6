"""`python benchmarks/bench.py [NAME ...] [--list] [--quick]`: measure all benchmarks, or those named."""

import sys
from pathlib import Path

# A script's own folder is the first place that Python looks in, and this one holds a `profile`, as the standard
# library does; the checkout's root takes its place, so that `benchmarks` is a package.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.runner import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
