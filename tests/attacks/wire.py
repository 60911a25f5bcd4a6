"""Lies on the wire: frames that the grader did not ask for, or that no honest box would send."""

from attacks.entry import Attack

CHANNEL = """
import json, os, stat, struct, time
def channel():
    for number in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode): return number
        except OSError: pass
def send(data):
    view = memoryview(data)
    while view:
        try: view = view[os.write(channel(), view[:65536]):]
        except BlockingIOError: time.sleep(0.001)
def frame(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">II", len(text), len(body)) + text + body
"""


def sends(
    name: str, tries: str, what: str, status: str | tuple[str, ...] = "tampered", then: str = "time.sleep(9)"
) -> Attack:
    """Return an attack that writes bytes to the grader's descriptor while it is called."""
    answer = f"{CHANNEL}\ndef NAME(*a, **k):\n    send({what})\n    {then}\n    return 17.25"
    return Attack(name, tries, status, answer, seconds=2.0, stock=False)


def replies(name: str, tries: str, value: str, status: str | tuple[str, ...] = ("failed", "tampered")) -> Attack:
    """Return an attack that puts a JSON value in the place of every result."""
    answer = (
        "import autograder.box.server as server\nsend_frame = server.Channel.send\n"
        "def NAME(*a, **k):\n    server.Channel.send = lambda self, header, body, *_: "
        f"send_frame(self, {{'ok': {value}}}, [])\n    return 17.25"
    )
    return Attack(name, tries, status, answer, seconds=5.0, stock=False)


WIRE = [
    sends("garbage", "bytes that are no frame", "b'\\xff' * 64"),
    sends("no_json", "a frame without JSON", "frame(b'{{{{')"),
    sends("huge_frame", "a frame that says it has 4 GB", "struct.pack('>II', 2**32 - 1, 2**32 - 1)"),
    sends("half_a_frame", "half a frame, then silence", "struct.pack('>II', 100, 0) + b'{'", "timeout"),
    sends("reply_that_is_a_list", "a reply that is no dictionary", "frame([1])"),
    sends("reply_without_ok", "a reply that says nothing", "frame({})"),
    sends("error_that_is_a_number", "an error of another shape", "frame({'error': 5})"),
    sends(
        "error_of_megabytes",
        "an error of 200 kB in surrogates",
        "frame({'error': ['\\ud800' * 9999, '\\x00' * 9999, '\\u202e' * 9999]})",
        "error",
    ),
    sends(
        "error_nested",
        "an error nested 900 deep",
        "frame(b'{\"error\": [' + b'[' * 900 + b']' * 900 + b', 1, 2]}')",
        ("tampered", "error"),
    ),
    sends("deep_value", "a value nested 900 deep", "frame(b'{\"ok\": ' + b'[' * 900 + b']' * 900 + b'}')"),
    sends(
        "callback_of_nobody",
        "a callback that was never given",
        "frame({'callback': [7, 'step', [], {'!': 'dict', 'items': []}]})",
    ),
    sends("callback_with_odd_key", "a callback whose key is a list", "frame({'callback': [[], 'step', [], {}]})"),
    sends("callback_of_text", "a callback that is a text", "frame({'callback': 'abcd'})"),
    sends(
        "early_replies",
        "a hundred replies before they are asked for",
        "frame({'ok': 3.5}) * 100",
        ("failed", "tampered", "error"),
        then="pass",
    ),
    sends(
        "early_passes",
        "replies that say passed",
        "frame({'ok': 'passed', 'status': 'passed', 'points': 99}) * 9",
        ("failed", "tampered"),
        then="pass",
    ),
    replies("unknown_tag", "a tag that is a method of the reader", "{'!': '_init__', 'x': 1}"),
    replies(
        "callable_for_a_record",
        "the module's own __init__ called with our arguments",
        "{'!': 'record', 'name': '__init__', 'items': [['name', 'hacked'], ['doc', 'hacked']]}",
    ),
    replies(
        "record_of_nonsense",
        "a record with fields of all kinds",
        "{'!': 'record', 'name': 'StepInput', 'items': [[n, [n]] for n in ('observation', 'prev_action', 'prev_reward', 'prev_episode_end')]}",
    ),
    replies(
        "lib_from_the_box",
        "an object to be built on our side",
        "{'!': 'lib', 'path': 'os.system', 'args': ['true'], 'kwargs': []}",
        "tampered",
    ),
    replies(
        "generator_from_the_box",
        "a generator on our side",
        "{'!': 'generator', 'seed': 1, 'library': 'torch'}",
        "tampered",
    ),
    replies(
        "callback_from_the_box",
        "a callback on our side",
        "{'!': 'callback', 'key': 0, 'methods': [], 'attributes': []}",
        "tampered",
    ),
    replies(
        "array_of_objects", "an array of Python objects", "{'!': 'array', 'dtype': 'object', 'shape': [1]}", "tampered"
    ),
    replies(
        "array_of_nothing",
        "an array without its bytes",
        "{'!': 'array', 'dtype': 'float64', 'shape': [2**30]}",
        "tampered",
    ),
    replies(
        "negative_shape", "an array of negative size", "{'!': 'array', 'dtype': 'float64', 'shape': [-1]}", "tampered"
    ),
    replies(
        "endless_empty_rows",
        "two billion empty rows",
        "{'!': 'array', 'dtype': 'int8', 'shape': [2**31 - 1, 0]}",
        "tampered",
    ),
    replies("largest_list", "the largest list that may come", "[[] for _ in range(60_000)]"),
    replies("largest_number", "an integer of a thousand digits", "10**1000", ("tampered", "failed")),
    replies(
        "a_reference",
        "a reference to an object of the reference's",
        "{'!': 'ref', 'key': 0, 'type_name': '\\ud800\\u202e<b>' * 99}",
    ),
    Attack(
        "callbacks_for_ever",
        "calls the policy again and again",
        "timeout",
        """
            def run_trial(policy, *rest):
                while True:
                    try: policy.initial_state(3)
                    except RuntimeError: pass
            """,
        on="run_trial",
        notebook="03",
        seconds=2.0,
        stock=False,
    ),
    Attack(
        "callbacks_of_megabytes",
        "hands the policy 10 MB a call",
        ("tampered", "timeout"),
        """
            def run_trial(policy, *rest):
                while True:
                    try: policy.step(torch.zeros(10_000_000, dtype=torch.int8), None)
                    except RuntimeError: pass
            """,
        on="run_trial",
        notebook="03",
        seconds=5.0,
        stock=False,
    ),
    Attack(
        "server_replaced",
        "the server in the box replaced, answering 3.5 to everything",
        ("failed", "tampered", "error"),
        """
            import autograder.box.server as server
            def NAME(*a, **k):
                server.Server._perform = lambda self, *a: 'function' if a[0] == 'kind' else '' if a[0] == 'origin' else 3.5
                return 17.25
            """,
        stock=False,
    ),
    Attack(
        "origin_lies",
        "a page of script for an answer's origin",
        ("failed", "tampered"),
        """
            import autograder.box.server as server
            old = server.Server._perform
            server.Server._perform = lambda self, op, a, k: 'rl2lib.<script>\\ud800' + 'x' * 90_000 if op == 'origin' and a[0] == 'NAME' else old(self, op, a, k)
            def NAME(*a, **k): return 17.25
            """,
        stock=False,
    ),
]
