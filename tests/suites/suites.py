# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of crun and runc with berth-runtime. The caller lists the tests that are expected to fail, with the
reasons; if one of them passes, that is reported as a failure."""

import os
import re
import shutil
import subprocess

from berth_test import check_journal, equal, listing, run

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.environ["BERTH_BUILD"] + "/sources"
RUNTIME = "/usr/bin/berth-runtime"


class Report:
    """Prints the results as TAP, one line per test."""

    def __init__(self):
        self.number = self.failures = 0

    def tell(self, good, name, log=""):
        self.number += 1
        self.failures += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", flush=True)
        for line in [] if good else log.splitlines()[-40:]:
            print(f"# {line}", flush=True)

    def take(self, title, output, expected):
        """Reports the results of a suite from its own TAP output."""
        found = 0
        for failed, name, skipped, why in re.findall(r"(?m)^(not )?ok \d+ (?:- )?(.*?)( ?# ?(?i:skip) ?(.*))?$", output):
            found += 1
            reason = expected.get(name)
            if skipped:
                print(f"# left out: {title}: {name}: {why or 'as it says itself'}")
            elif reason and failed:
                print(f"# left out: {title}: {name}: {reason}")
            elif reason:
                self.tell(False, f"{title}: {name}", f"it was expected to fail ({reason}) and does not: take it off the list")
            else:
                self.tell(not failed, f"{title}: {name}", output)
        if not found:
            self.tell(False, f"{title} ran a test", output)

    def finish(self):
        self.tell(listing("ps", "-a") == [], "nothing is left", str(listing("ps", "-a")))
        self.failures += check_journal(self.number + 1)
        return 1 if self.failures else 0


def run_tests(command, directory, environment, seconds):
    done = subprocess.run(command, cwd=directory, env={**os.environ, **environment}, timeout=seconds, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", close_fds=False)
    return done.stdout


def copy_crun_tests(directory):
    """Copies crun's tests with two changes. The tests look for a started container fifty times, every tenth of a
    second, which is too short in an emulated machine, so they look until the time of the whole suite is over. And a
    child of their program that asks to be killed with its parent exits if the parent has already exited; otherwise it
    would hold the test's output for ever."""
    shutil.copytree(f"{SOURCES}/crun/tests", directory)
    with open(f"{directory}/init.c", "r+", encoding="utf-8") as file:
        text = file.read()
        asking = "prctl (PR_SET_PDEATHSIG, SIGKILL);"
        assert asking in text
        file.seek(0)
        file.write(text.replace(asking, asking + " if (getppid () == 1) _exit (EXIT_SUCCESS);"))
    for name in os.listdir(directory):
        if name.endswith(".py"):
            with open(f"{directory}/{name}", "r+", encoding="utf-8") as file:
                text = file.read().replace("in range(50):", "in range(6000):")
                file.seek(0)
                file.write(text)


def run_crun(report, files, expected, seconds=120):
    """Runs these files of crun's tests, which execute a small program, init.c, in containers."""
    directory = "/var/tmp/crun"
    copy_crun_tests(f"{directory}/tests")
    with open(f"{directory}/config.h", "w", encoding="utf-8") as file:
        file.write("")
    built = run("gcc", "-static", "-w", f"-I{directory}", "-o", f"{directory}/tests/init", f"{directory}/tests/init.c")
    equal(built.status, 0, built)
    for name in files:
        output = run_tests(["python3", f"{directory}/tests/test_{name}.py"], directory,
                           {"INIT": f"{directory}/tests/init", "OCI_RUNTIME": RUNTIME, "PYTHONPATH": HERE,
                            "PYTHONDONTWRITEBYTECODE": "1"}, seconds)
        report.take(f"crun {name}", output, expected)


def make_busybox(path):
    root = path + ".root"
    for directory in ("bin", "dev", "etc", "home", "lib", "root", "sbin", "tmp", "usr/bin"):
        os.makedirs(f"{root}/{directory}")
    shutil.copy("/bin/busybox", f"{root}/bin")
    for name in run("busybox", "--list").out.split():
        if name != "busybox":
            os.symlink("busybox", f"{root}/bin/{name}")
    for name, text in (("passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("group", "root:x:0:\n")):
        with open(f"{root}/etc/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    equal(run("tar", "-C", root, "-cf", path, ".").status, 0)


def wait_for_terminals(path):
    """Makes runc's tests wait until recvtty listens, as the one here is written in Python and starts more slowly."""
    started = '("$RECVTTY" --pid-file "$dir/pid" --mode null "$CONSOLE_SOCKET" &) &'
    with open(path, "r+", encoding="utf-8") as file:
        text = file.read()
        assert started in text
        file.seek(0)
        file.write(text.replace(started, started + '\n\twhile [ ! -s "$dir/pid" ]; do sleep 0.01; done'))


def run_runc(report, files, expected, seconds=300):
    """Runs these files of runc's tests with bats. A root file system of busybox replaces the images that they
    download."""
    directory = "/var/tmp/runc"
    shutil.copytree(f"{SOURCES}/runc/tests", f"{directory}/tests", symlinks=True)
    os.makedirs(f"{directory}/contrib/cmd/recvtty")
    shutil.copy(os.path.join(HERE, "recvtty"), f"{directory}/contrib/cmd/recvtty/recvtty")
    make_busybox(f"{directory}/busybox.tar")
    with open(f"{directory}/tests/integration/get-images.sh", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + "".join(f"echo {name}_IMAGE={directory}/busybox.tar\n" for name in ("BUSYBOX", "HELLO", "DEBIAN")))
    wait_for_terminals(f"{directory}/tests/integration/helpers.bash")
    for name in files:
        output = run_tests(["bats", "--tap", f"{name}.bats"], f"{directory}/tests/integration", {"RUNC": RUNTIME}, seconds)
        report.take(f"runc {name}", output, expected)
