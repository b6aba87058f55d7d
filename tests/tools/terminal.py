# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program on a terminal of its own, like the shell of a user."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios


class Terminal:
    """Runs a command on a new terminal. "text" is the output that the test has not consumed yet. The slave remains open
    until close_slave() or close(), so that its settings can be read."""

    def __init__(self, *command, rows=24, columns=80, owner=None, **options):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if owner:
            os.fchown(self.slave, *owner)
        self.before = self.settings()
        self.text = ""
        self.process = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        start_new_session=True, **options)

    def settings(self):
        return termios.tcgetattr(self.slave)[:4]

    def type(self, text):
        os.write(self.master, text.encode())

    def read_some(self, seconds):
        """Appends output that arrives within this many seconds to the text; returns False if there is none."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: no process has the slave open any more
            return False
        self.text += data.decode(errors="replace")
        return bool(data)

    def close_slave(self):
        """Closes the slave; from then on, reading ends when the program ends."""
        os.close(self.slave)
        self.slave = None

    def close(self):
        if self.slave is not None:
            os.close(self.slave)
        os.close(self.master)
