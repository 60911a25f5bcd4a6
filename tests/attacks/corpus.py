"""All attacks."""

from attacks.crash import CRASH, TIME
from attacks.detect import DETECT
from attacks.lies import LIES
from attacks.output import OUTPUT
from attacks.patches import LIBRARY, PATCHES, SETTINGS
from attacks.peeking import PEEKING
from attacks.surgery import FILES, SURGERY
from attacks.take_all import TAKE_ALL
from attacks.wire import WIRE

GROUPS = {
    "crash": CRASH,
    "time": TIME,
    "take_all": TAKE_ALL,
    "output": OUTPUT,
    "surgery": SURGERY,
    "files": FILES,
    "lies": LIES,
    "patches": PATCHES,
    "library": LIBRARY,
    "settings": SETTINGS,
    "detect": DETECT,
    "peeking": PEEKING,
    "wire": WIRE,
}
