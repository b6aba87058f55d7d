# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the CPU time of the service for listings, a run, garbage collection and recovery, with 10 to 10,000 images
and 10 to 1,000 containers, for "bench --scale". Runs in the test machine.

The images are rows that are added to berth.db. Each has its own documents, configuration and holder, and all share one
unpacked layer. The containers are created through the bus."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
sys.dont_write_bytecode = True
import oci  # noqa: E402  pylint: disable=wrong-import-position

STATE = "/var/lib/berth"
IMAGE = "127.0.0.1:5000/scale/busybox:x"
IMAGES = (10, 100, 1000, 10000)
CONTAINERS = (10, 100, 1000)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True).stdout


def service_pid():
    return int(run("systemctl", "show", "-P", "MainPID", "berthd"))


def processor_usec(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0]) / 1000


def cost(*command):
    """Returns the CPU time of berthd for a command, the lowest of three runs."""
    def once():
        pid = service_pid()
        before = processor_usec(pid)
        run(*command)
        return processor_usec(pid) - before
    run("dist", "ps", "-q")
    return min(once() for _ in range(3))


def start_cost():
    """Kills the service; returns the CPU time of the next one from its start until it is ready, the lowest of three
    runs."""
    def once():
        killed = service_pid()
        run("systemctl", "reset-failed", "berthd")
        os.kill(killed, signal.SIGKILL)
        while service_pid() in (0, killed):
            time.sleep(0.02)
        # Calls fail until the bus has noticed the end of the killed service.
        while subprocess.run(["dist", "volume", "list", "-q"], check=False, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode:
            time.sleep(0.02)
        return processor_usec(service_pid())
    return min(once() for _ in range(3))


def fake(digest, number):
    return digest[:7] + f"{number:016x}" + digest[23:]


def add_images(numbers):
    """Copies the rows of one pulled image, each copy with its own digests."""
    run("systemctl", "reset-failed", "berthd")
    run("systemctl", "stop", "berthd")
    database = sqlite3.connect(f"{STATE}/berth.db")
    target = database.execute("SELECT digest FROM images WHERE name = ?", (IMAGE,)).fetchone()[0]
    below = [row[0] for row in database.execute("SELECT child FROM children WHERE parent = ?", (target,))]
    tables = {"images": "digest", "image_info": "digest", "children": "parent", "types": "digest", "holdings": "digest",
              "chains": "manifest", "documents": "digest"}
    present = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    for table, key in tables.items():
        if table not in present:
            continue
        of = [target] if key in ("parent", "manifest") or table in ("images", "image_info", "documents") else [target] + below[:1]
        for row in [row for digest in of for row in database.execute(f"SELECT * FROM {table} WHERE {key} = ?", (digest,))]:
            def renamed(number, row=row):
                # Each image has its own configuration, but all share one layer.
                values = [value.replace(target, fake(target, number)).replace(below[0], fake(below[0], number))
                          if isinstance(value, str) else value for value in row]
                return [value.replace(IMAGE, f"{IMAGE}-{number}") if isinstance(value, str) else value for value in values]
            marks = ",".join("?" * len(row))
            database.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", (renamed(number) for number in numbers))
    database.executemany("INSERT INTO image_holders VALUES (?, 0)", ((f"{IMAGE}-{number}",) for number in numbers))
    database.commit()
    database.close()
    run("dist", "ps")


def add_containers(numbers):
    for number in numbers:
        run("busctl", "call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create", "ssa{sv}",
            f"scale-{number}", IMAGE, "0")


def managed_objects():
    return ("busctl", "call", "org.berth1", "/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")


OF_IMAGES = {
    "images": ("dist", "images", "-q"),
    "inspect one": ("dist", "inspect", IMAGE),
    "GetManagedObjects": managed_objects(),
    "prune": ("dist", "prune", "-f"),
    "run": ("dist", "run", "--rm", IMAGE, "/bin/true"),
}
OF_CONTAINERS = {
    "ps -a": ("dist", "ps", "-a", "-q"),
    "info one": ("dist", "info", "scale-0"),
    "GetManagedObjects": managed_objects(),
    "run": ("dist", "run", "--rm", IMAGE, "/bin/true"),
}


def table(title, counts, add, commands):
    rows = {name: [] for name in [*commands, "start after kill -9"]}
    made = 0
    for count in counts:
        add(range(made, count))
        made = count
        for name, command in commands.items():
            rows[name].append(cost(*command))
        rows["start after kill -9"].append(start_cost())
    print(f"\n| {title} | " + " | ".join(str(count) for count in counts) + " |")
    print("|---" * (len(counts) + 1) + "|")
    for name, values in rows.items():
        print(f"| {name} | " + " | ".join(f"{value / 1000:.1f} ms" for value in values) + " |", flush=True)
    return {name: dict(zip(counts, values)) for name, values in rows.items()}


def main():
    oci.push(oci.busybox_image(), IMAGE)
    run("dist", "pull", "-q", IMAGE)
    figures = {"containers": table("processor time with … containers", CONTAINERS, add_containers, OF_CONTAINERS),
               "images": table("processor time with … images", IMAGES, add_images, OF_IMAGES)}
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)


if __name__ == "__main__":
    main()
