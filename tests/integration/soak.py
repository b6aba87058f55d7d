# SPDX-License-Identifier: LGPL-2.1-or-later
"""A soak test, which is run manually. In each round, random operations that change the store run concurrently, and the
service is killed meanwhile. After each round the contents match their digests, the database is intact, and every named
image is complete.

    tests/machine/machine --name soak run -- /usr/bin/python3 "$PWD/tests/integration/soak.py" [SECONDS] [SEED]
"""

import os
import random
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGES = [f"{HOST}/soak/{number}:x" for number in range(4)]
ARCHIVE = "/var/tmp/soak.tar"


def push_images(generator):
    """Pushes images that share layers, so that operations use the same blobs and snapshots concurrently."""
    layers = [oci.Layer("gzip").add(f"data/{number}", generator.randbytes(3_000_000)).finish()
              for number in range(5)]
    base = oci.busybox_layer().finish()
    for number, name in enumerate(IMAGES):
        chosen = [base] + generator.sample(layers, 3)
        oci.push(oci.Image(chosen, {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"],
                                    "Labels": {"number": str(number)}}), name)


def operations(generator, number):
    name = generator.choice(IMAGES)
    return generator.choice([
        ["pull", name], ["pull", name], ["fetch", name], ["rmi", name], ["prune"],
        ["push", name, f"{HOST}/soak/copy{number}:x"],
        ["import", ARCHIVE], ["export", "-o", f"/var/tmp/soak-out{number % 3}.tar", name],
        ["commit", "soak-source", f"local.test/commit:{number % 3}"],
        ["rmi", f"local.test/commit:{number % 3}"],
        ["run", "--rm", name, "true"], ["content", "verify"], ["tag", name, f"local.test/tag:{number % 3}"],
    ])


def check():
    equal(database_query("PRAGMA integrity_check"), "ok")
    result = dist("content", "verify", timeout=120)
    equal(result.status, 0, result)
    for row in listing("images"):
        if "fetch" not in row["name"]:
            result = dist("run", "--rm", row["name"], "sh", "-c", "cat /data/* >/dev/null", timeout=60)
            if result.status != 0:
                # An image that was tagged or committed may not be unpacked, but it must be possible to unpack it.
                assert "unpack" in result.err, (row, result, good("images", "--tree"), good("content", "list"))
                good("unpack", row["name"])
                good("run", "--rm", row["name"], "sh", "-c", "cat /data/* >/dev/null")


def check_end():
    for row in listing("images"):
        good("rmi", row["name"])
    for row in listing("ps", "-a"):
        good("rm", "-f", row["id"])
    wait_until(lambda: not [row for row in listing("transfers") if row["state"] == "running"],
               "transfers to end", seconds=60)
    wait_until(lambda: good("prune") is not None and not listing("content", "list") and
               not [n for n in os.listdir(f"{STATE}/snapshots") if not n.startswith(".")],
               "everything to be collected", seconds=30)
    wait_until(lambda: not [n for d in ("content", "snapshots") for n in os.listdir(f"{STATE}/{d}")
                            if n.startswith(".")], "trash to be emptied")
    wait_until(lambda: run("systemctl", "list-units", "--no-legend", "berth-*.scope").out == "",
               "scopes to be gone")


def main_loop(seconds, seed):
    generator = random.Random(seed)
    push_images(generator)
    good("pull", *IMAGES)
    good("export", "-o", ARCHIVE, *IMAGES[:2])
    good("run", "--id=soak-source", IMAGES[0], "sh", "-c", "dd if=/dev/urandom of=/data/new bs=1M count=2 2>&-")
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        commands = [operations(generator, rounds * 10 + n) for n in range(generator.randrange(1, 6))]
        running = [subprocess.Popen(["dist", *command], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL) for command in commands]
        time.sleep(generator.random() * generator.choice([0.02, 0.2, 0.8]))
        if generator.random() < 0.8:
            kill_service()
        for process in running:
            process.wait(timeout=120)
        try:
            check()
        except Exception:
            print(f"round {rounds} of seed {seed}: {commands}", flush=True)
            raise
        rounds += 1
    check_end()
    print(f"{rounds} rounds of seed {seed}: all is well")


if __name__ == "__main__":
    main_loop(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0,
              int(sys.argv[2]) if len(sys.argv) > 2 else os.getpid())
