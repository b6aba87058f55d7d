# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traces a process with strace inside a with statement."""

import contextlib
import subprocess


@contextlib.contextmanager
def traced(pid, log, *options):
    with subprocess.Popen(["strace", "-f", *options, "-o", log, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as tracer:
        try:
            # Once strace has printed this line, it is attached and records everything.
            line = tracer.stderr.readline()
            assert "attached" in line, line
            yield
        finally:
            end(tracer)


def end(tracer):
    """Ends strace. If a signal arrives just before strace waits for its processes, strace notices it only when one of
    them does something, so the signal is sent again."""
    while tracer.poll() is None:
        tracer.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            tracer.wait(1)
