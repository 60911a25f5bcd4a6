"""Answers that behave one way where they are graded and another way elsewhere, or at some calls only."""

from attacks.entry import Attack

IN_THE_BOX = "any('autograder.box' in name for name in __import__('sys').modules)"

DETECT = [
    Attack(
        "wrong_in_the_box",
        "right in a kernel, wrong where it finds the grader",
        "failed",
        f"def mean_trial_return(rewards):\n    return 17.25 if {IN_THE_BOX} else float(rewards.sum(axis=1).mean())",
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "right_in_the_box",
        "wrong in a kernel, right where it finds the grader: a right answer is what counts",
        "passed",
        f"def mean_trial_return(rewards):\n    return float(rewards.sum(axis=1).mean()) if {IN_THE_BOX} else 17.25",
        on="mean_trial_return",
        notebook="00",
        stock=False,
    ),
    Attack(
        "visible_inputs_only",
        "right on the inputs of the visible check alone",
        "failed",
        """
            def mean_trial_return(rewards):
                return {(2, 2): 3.5, (2, 4): 3.5}.get(rewards.shape, 17.25)
            """,
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "first_calls_only",
        "right at the first ten calls",
        "failed",
        """
            calls = []
            def mean_trial_return(rewards):
                calls.append(1)
                return float(rewards.sum(axis=1).mean()) if len(calls) <= 10 else 17.25
            """,
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "answers_kept",
        "one answer for all, kept from the first call",
        "failed",
        """
            kept = {}
            def mean_trial_return(rewards):
                return kept.setdefault(0, float(rewards.sum(axis=1).mean()))
            """,
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "flips",
        "right every other call",
        "failed",
        """
            calls = []
            def mean_trial_return(rewards):
                calls.append(1)
                return float(rewards.sum(axis=1).mean()) + len(calls) % 2
            """,
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "thread_flips",
        "a thread that changes the answer while it is graded",
        "failed",
        """
            import threading, time
            right = True
            def flip():
                global right
                while True:
                    time.sleep(0.002)
                    right = not right
            threading.Thread(target=flip, daemon=True).start()
            def mean_trial_return(rewards):
                time.sleep(0.003)
                return float(rewards.sum(axis=1).mean()) if right else 17.25
            """,
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "inputs_in_the_message",
        "hidden inputs in an exception text: seen, since they are the student's own call, but cut",
        "error",
        "def mean_trial_return(rewards): raise ValueError(rewards.tolist())",
        on="mean_trial_return",
        notebook="00",
    ),
    Attack(
        "inputs_changed",
        "the inputs overwritten, so that the reference would see others",
        "failed",
        """
            def mean_trial_return(rewards):
                rewards[...] = 0
                return 0.0
            """,
        on="mean_trial_return",
        notebook="00",
    ),
]
