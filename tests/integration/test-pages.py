# SPDX-License-Identifier: LGPL-2.1-or-later
# The pages of docs/ for beginners, administrators and users of docker: each command works and prints what the page
# shows.

import glob
import os
import pathlib
import re
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs"


def commands(name):
    """Returns the commands of a page, which follow "$", with the output that it shows; "…" stands for any output."""
    found = []
    for line in (DOCS / name).read_text(encoding="utf-8").split("\n"):
        if line.startswith("    $ "):
            found.append((line[6:], []))
        elif line.startswith("    ") and found:
            found[-1][1].append(line[4:])
    assert len(found) > 8, found
    return found


def follow(name, user=None):
    """Runs the commands of a page: those with sudo as root, and all others as this user."""
    for command, shown in commands(name):
        is_roots = command.startswith("sudo ")

        def found():
            # pylint: disable=cell-var-from-loop
            result = run("sh", "-c", command.removeprefix("sudo "), user=None if is_roots else user)
            equal((name, command, result.status), (name, command, 0), result.err)
            return re.sub(r" +", " ", result.out).splitlines()
        expected = [re.sub(r" +", " ", line) for line in shown]
        if re.search(r"\b(dist logs|journalctl)\b", command) and shown != ["…"]:
            # Output arrives in the journal a moment after the container was started.
            wait_until(lambda: found() == expected, f"{name}: the output of {command}")  # pylint: disable=cell-var-from-loop
            continue
        lines = found()
        if shown != ["…"]:
            equal((name, command, lines), (name, command, expected))
    equal((name, good("ps", "-aq")), (name, ""))


def test_setup():
    # The test machine's registry replaces docker.io.
    oci.push(oci.busybox_image(Cmd=["sh"]), f"{HOST}/hub/library/alpine:latest")
    configure(f"[Registry docker.io]\nLocation={HOST}/hub\n")


def test_first_steps():
    follow("first-steps.md")


def test_coming_from_docker():
    follow("docker.md")
    good("rmi", *good("images", "-q").split())


def test_a_member_of_the_group_follows_them_as_well():
    """With the example rule, a member of the group berth can run all commands without sudo as an ordinary user."""
    [rules] = glob.glob("/usr/share/doc/*/examples/polkit")
    with open(f"{rules}/50-berth-group.rules", encoding="utf-8") as file:
        polkit_rule(file.read())
    equal(run("usermod", "-a", "-G", "berth", "alice").status, 0)
    for name in ("hostname-of-web", "alpine.tar"):
        if os.path.exists(f"/tmp/{name}"):
            os.unlink(f"/tmp/{name}")
    for name in ("first-steps.md", "docker.md"):
        follow(name, user="alice")
    good("rmi", *good("images", "-q").split())
    good("prune")
    polkit_rule("")


def try_verbs(title):
    """Tries each line of a table of docker.md: a refused verb fails with the page's reason, and all others succeed."""
    page = (DOCS / "docker.md").read_text(encoding="utf-8").split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| ([a-zA-Z, ]+) \| (same|differs|refused) \| (.*?) \| `(.*)` \|$", page, re.MULTILINE)
    equal(len(rows), page.count("\n| ") - 1)
    good("run", "-d", "--name=web", "alpine", "sleep", "1000")
    good("run", "--name=old", "alpine", "true")
    for verb, kind, how, line in rows:
        result = run("sh", "-c", line.replace("\\|", "|").replace(";", " &&"), timeout=60)
        if kind == "refused":
            equal((result.status, result.err), (1, f'dist: there is no verb "{verb}": {how}\n'))
            assert len(result.err) <= 80, result.err
        else:
            equal((line, result.status), (line, 0), result.err)
    good("rm", "-f", *good("ps", "-aq").split())
    return {word for verb, *_ in rows for word in verb.replace(" VERB", "").split(", ")}


def test_verbs_of_docker_and_ctr():
    good("pull", "alpine")
    tried = try_verbs("docker's verbs")
    # These are all commands that docker(1) lists.
    equal(sorted({"attach", "build", "builder", "buildx", "commit", "compose", "config", "container", "context", "cp", "create", "diff", "events",
                  "exec", "export", "history", "image", "images", "import", "info", "inspect", "kill", "load", "login", "logout", "logs", "manifest",
                  "network", "node", "pause", "plugin", "port", "ps", "pull", "push", "rename", "restart", "rm", "rmi", "run", "save", "search",
                  "secret", "service", "stack", "start", "stats", "stop", "swarm", "system", "tag", "top", "unpause", "update", "version", "volume",
                  "wait"} ^ tried), [])
    tried = try_verbs("ctr's verbs")
    equal(sorted({"containers", "content", "events", "images", "leases", "namespaces", "oci", "plugins", "pprof", "run", "shim", "snapshots", "tasks",
                  "version"} ^ tried), [])
    good("rmi", *good("images", "-q").split())
    good("prune")


def test_administration():
    follow("administration.md")


def test_links_lead_somewhere():
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
