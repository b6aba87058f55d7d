# SPDX-License-Identifier: LGPL-2.1-or-later
# A long test, which is run manually as soak-containers.py SECONDS SEED. Containers and processes in them start and end
# while the service is killed at random times. Afterwards every exit status is known, and nothing is left.

import json
import os
import random
import sys
import threading
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/soak/base:x"


def figures():
    """Returns the use of resources that must not accumulate, such as descriptors of the service, mounts and scopes."""
    pid = service_pid()
    return {
        "fds": len(os.listdir(f"/proc/{pid}/fd")),
        "mounts": len(open(f"/proc/{pid}/mountinfo", encoding="utf-8").readlines()),
        "hostMounts": len(open("/proc/self/mountinfo", encoding="utf-8").readlines()),
        "scopes": len(run("systemctl", "list-units", "--plain", "--no-legend", "berth-*.scope").out.splitlines()),
        "containers": len(os.listdir(f"{STATE}/containers")),
        "rss": int(open(f"/proc/{pid}/statm", encoding="utf-8").read().split()[1]) * 4,
        "kept": int(run("systemctl", "show", "-P", "NFileDescriptorStore", "berthd").out or 0),
    }


def row(name):
    """Returns a container's entry in ps, or None. Failed calls are repeated, as the service may be killed at any
    time."""
    while True:
        result = dist("ps", "-a", "--json=short")
        if result.status == 0:
            found = [row for row in json.loads(result.out) if row["id"] == name]
            return found[0] if found else None
        time.sleep(0.02)


def until(condition, action):
    for _ in range(200):
        if condition():
            return True
        action()
    return False


def one(seed, problems):
    rng = random.Random(seed)
    name = f"c{seed}"
    status, inner = rng.randrange(0, 100), rng.randrange(0, 100)
    delay = rng.choice(("0", "0.01", "0.1", "0.3"))
    script = f"sleep {delay}; exit {status}"
    known = until(lambda: row(name), lambda: dist("create", f"--id={name}", IMAGE, "sh", "-c", script))
    known = known and until(lambda: row(name)["state"] != "created", lambda: dist("start", name))
    executed = dist("exec", "-d", "--process=p", name, "sh", "-c", f"exit {inner}").status == 0
    known = known and until(lambda: row(name)["state"] == "stopped", lambda: time.sleep(0.05))
    if not known or row(name)["exitStatus"] != str(status):
        problems.append((name, status, row(name)))
    if executed:
        answers = []
        until(lambda: answers and answers[-1] in (inner, 137), lambda: answers.append(dist("wait", "--process=p", name).status))
        if answers[-1] not in (inner, 137):
            problems.append((name, "exec", inner, answers[-1]))
    until(lambda: not row(name), lambda: dist("rm", "-f", name))


def main_loop(seconds, seed):
    oci.push(oci.busybox_image(Cmd=["sh"]), IMAGE)
    good("pull", IMAGE)
    good("run", "--rm", IMAGE, "true")
    good("run", "-d", "--id=anchor", IMAGE, "sleep", "100000")
    before = figures()
    end = time.monotonic() + seconds
    problems, rounds = [], 0
    rng = random.Random(seed)
    while time.monotonic() < end and not problems:
        threads = [threading.Thread(target=one, args=(seed * 1000000 + rounds * 8 + i, problems)) for i in range(8)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(rng.random() * 0.6)
            pid = service_pid()
            if pid and rng.random() < 0.7:
                os.kill(pid, 9)
        for thread in threads:
            thread.join()
        rounds += 1
    dist("ps")
    time.sleep(1)
    print("rounds", rounds, "problems", problems)
    print("before", before)
    print("after ", figures())
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main_loop(int(sys.argv[1]), int(sys.argv[2])))
