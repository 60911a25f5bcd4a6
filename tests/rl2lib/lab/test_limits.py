"""A loop that never ends is ended, in the main thread and in any other."""

import threading
import time

import pytest

from rl2lib.lab.limits import TimeLimitReached, time_limit


def endless(seconds: float) -> None:
    with time_limit(seconds):
        while True:
            pass


def stubborn() -> int:
    caught = 0
    with time_limit(0.05):
        while True:
            try:
                while True:
                    pass
            except TimeLimitReached:
                caught += 1
                if caught == 2:
                    return caught


def in_a_thread(action):
    found = []

    def run() -> None:
        try:
            found.append(action())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    return found[0] if found else None


def test_in_the_main_thread():
    with pytest.raises(TimeLimitReached):
        endless(0.05)
    assert stubborn() == 2


def test_in_another_thread():
    assert isinstance(in_a_thread(lambda: endless(0.05)), TimeLimitReached)
    assert in_a_thread(stubborn) == 2


def test_nothing_rings_after_the_block():
    def quick() -> str:
        for _ in range(200):
            with time_limit(0.01):
                pass
        time.sleep(0.05)
        return "left alone"

    assert in_a_thread(quick) == "left alone"
    assert quick() == "left alone"
