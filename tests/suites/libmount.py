# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of libmount's Python module, which Debian lacks, that tests of crun use: the options of a mount."""


class Entry:
    def __init__(self, line):
        fields = line.split()
        self.target, self.vfs_options = fields[4], fields[5]
        self.fs_options = fields[fields.index("-") + 3]


class Table:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.entries = [Entry(line) for line in file if line.strip()]

    def find_target(self, path):
        return next(entry for entry in reversed(self.entries) if entry.target == path)
