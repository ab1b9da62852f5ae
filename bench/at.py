"""Run `moisson` at another time of this machine's clock: `python bench/at.py 1793000000 collect …`.

The commands read the date from `time.time` alone, so the whole command, its store and its reports live at that time,
while waiting and pacing go by the monotonic clock, as ever.
"""

import sys
import time

_shift_s = float(sys.argv.pop(1)) - time.time()
_true_time = time.time
time.time = lambda: _true_time() + _shift_s

from moisson.cli.main import main  # noqa: E402  # after the clock was set: defaults may name the function

main()
