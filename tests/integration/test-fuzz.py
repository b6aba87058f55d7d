# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs the bus fuzzer, soak-bus.py, for a few seconds, with a different seed each time.

import os
import sys

SOAK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "soak-bus.py")

os.execv(sys.executable, [sys.executable, SOAK, *(sys.argv[1:] or ["20"])])
