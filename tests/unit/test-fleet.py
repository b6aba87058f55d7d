# SPDX-License-Identifier: LGPL-2.1-or-later
# The table of docs/fleet.md lists each verb of dist in the row of the way in which dist runs it on another host.

import subprocess
import sys

WAYS = ["bus", "there", "stream", "refused"]  # the rows, from top to bottom


def main():
    program, page = sys.argv[1:]
    printed = subprocess.run([program, "shell-completion", "--manual=hosts"], check=True, capture_output=True, encoding="utf-8")
    verbs = {tuple(line.split("\t")) for line in printed.stdout.splitlines()}
    with open(page, encoding="utf-8") as file:
        rows = [line.split("|")[1] for line in file if line.startswith("| ")][1:]
    listed = {(way, verb.strip()) for way, row in zip(WAYS, rows, strict=True) for verb in row.split(",")}
    print("1..1")
    for way, verb in sorted(verbs - listed):
        print(f"# missing in docs/fleet.md: {verb}, in the row of {way}")
    for way, verb in sorted(listed - verbs):
        print(f"# wrong in docs/fleet.md: {verb}, in the row of {way}")
    print("ok 1" if verbs == listed and len(verbs) > 50 else "not ok 1", "- every verb of dist is in docs/fleet.md")


main()
