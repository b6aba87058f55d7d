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


def end(tracer, seconds=10):
    """Ends strace. If a signal arrives just before strace waits for its processes, strace notices it only when one of
    them does something, so the signal is sent again. A strace that detaches from a process in vfork(2) waits for ever
    for it, since the process waits for its child, which strace keeps stopped; only SIGKILL frees all three."""
    for _ in range(seconds):
        if tracer.poll() is not None:
            return
        tracer.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            tracer.wait(1)
    tracer.kill()
