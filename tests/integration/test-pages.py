# SPDX-License-Identifier: LGPL-2.1-or-later
# The pages for beginners, administrators and those who come from docker: each command does what its page shows.

import pathlib
import re
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs"


def commands(name):
    """The lines after "$", each with what the page prints for it; "…" for anything."""
    found = []
    for line in (DOCS / name).read_text(encoding="utf-8").split("\n"):
        if line.startswith("    $ "):
            found.append((line[6:], []))
        elif line.startswith("    ") and found:
            found[-1][1].append(line[4:])
    assert len(found) > 8, found
    return found


def follow(name):
    for command, shown in commands(name):
        result = run("sh", "-c", command)
        equal((name, command, result.status), (name, command, 0), result.err)
        if shown != ["…"]:
            equal((name, command, re.sub(r" +", " ", result.out).splitlines()), (name, command, [re.sub(r" +", " ", line) for line in shown]))
    for container in good("ps", "-aq").split():
        raise AssertionError(f"{name} leaves {container}")


def test_setup():
    # docker.io is where this machine's registry is.
    oci.push(oci.busybox_image(Cmd=["sh"]), f"{HOST}/hub/library/alpine:latest")
    configure(f"[Registry docker.io]\nLocation={HOST}/hub\n")


def test_first_steps():
    follow("first-steps.md")


def test_coming_from_docker():
    follow("docker.md")


def test_administration():
    follow("administration.md")


def test_links_lead_somewhere():
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
