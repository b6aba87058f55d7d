# SPDX-License-Identifier: LGPL-2.1-or-later
"""The measuring half of "bench"; runs in the test machine. Every store is on a fresh tmpfs."""

import gzip
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
sys.dont_write_bytecode = True
import oci  # noqa: E402  pylint: disable=wrong-import-position

DEB = "127.0.0.1:5000/deb:latest"
BUSYBOX = "127.0.0.1:5000/busybox:latest"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
CTR = ["ctr", "-a", "/tmp/containerd/sock"]
PODMAN = ["podman", "--root", "/tmp/podman/root", "--runroot", "/tmp/podman/run",
          "--cgroup-manager=cgroupfs", "--events-backend=file", "--storage-driver=overlay"]


def run(*command, check=True):
    completed = subprocess.run(command, check=False, **{**QUIET, "stderr": subprocess.PIPE})
    if check and completed.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {completed.stderr.decode()}")


def timed(*command):
    begin = time.monotonic()
    run(*command)
    return time.monotonic() - begin


def fresh(path):
    subprocess.run(["umount", "-l", path], check=False, **QUIET)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    run("mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", path)


class Berth:
    name = "berth"

    def reset(self):
        run("systemctl", "stop", "berthd.service")
        # What empties a tree late belongs to an earlier round.
        for name in os.listdir("/var/lib/berth"):
            path = f"/var/lib/berth/{name}"
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        run("dist", "images")

    def pull(self, image):
        return timed("dist", "pull", "-q", image)

    def true(self):
        return timed("dist", "run", "--rm", BUSYBOX, "/bin/true")


class BerthActivated(Berth):
    name = "berth, activated"

    def true(self):
        run("systemctl", "stop", "berthd.service")
        return super().true()


class Containerd:
    name = "ctr"
    process = None

    def reset(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        fresh("/tmp/containerd")
        with open("/tmp/containerd/config.toml", "w", encoding="utf-8") as file:
            file.write('version = 2\nroot = "/tmp/containerd/root"\nstate = "/tmp/containerd/state"\n'
                       'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                       '[grpc]\naddress = "/tmp/containerd/sock"\n')
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(["containerd", "-c", "/tmp/containerd/config.toml"], **QUIET)
        while subprocess.run(CTR + ["version"], check=False, **QUIET).returncode:
            time.sleep(0.05)

    def pull(self, image):
        return timed(*CTR, "images", "pull", "--plain-http", image)

    def true(self):
        return timed(*CTR, "run", "--rm", BUSYBOX, f"c{time.monotonic_ns()}", "/bin/true")


class Podman:
    name = "podman"

    def reset(self):
        fresh("/tmp/podman")

    def pull(self, image):
        return timed(*PODMAN, "pull", "-q", "--tls-verify=false", image)

    def true(self):
        return timed(*PODMAN, "run", "--rm", "--network=none", BUSYBOX, "/bin/true")


def measure(title, systems, rounds, prepare, action):
    """Round by round, each system in turn, so that a change of the machine's speed meets all."""
    times = {system.name: [] for system in systems}
    for _ in range(rounds):
        for system in systems:
            prepare(system)
            try:
                times[system.name].append(action(system))
            except SystemExit as error:
                print(f"  {system.name}: {error}", file=sys.stderr)
    print(f"\n{title}")
    ours = statistics.median(times[systems[0].name])
    for system in systems:
        values = times[system.name]
        if values:
            median = statistics.median(values)
            print(f"  {system.name:18} {median * 1000:8.1f} ms   (min {min(values) * 1000:.1f})"
                  f"   {systems[0].name} takes {ours / median:.2f} of it")


def main():
    tar, rounds = sys.argv[1], int(sys.argv[2])
    with open(tar, "rb") as file:
        plain = file.read()
    stored = gzip.compress(plain, 6, mtime=0)
    layer = (oci.digest_of(plain), oci.LAYER + "+gzip", stored)
    oci.push(oci.Image([layer], {"Cmd": ["/bin/bash"]}), DEB)
    oci.push(oci.busybox_image(), BUSYBOX)
    print(f"deb: {len(plain) / 1e6:.0f} MB, {len(stored) / 1e6:.0f} MB stored")
    systems = [Berth(), Containerd(), Podman()]
    for system in systems:
        system.reset()
    measure("pull deb, from an empty store, unpacked", systems, rounds, lambda s: s.reset(),
            lambda s: s.pull(DEB))
    for system in systems:
        system.pull(BUSYBOX)
    # crun's device filter wants more than the default, where more may be had.
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    measure("run --rm /bin/true in busybox", systems, rounds * 4, lambda s: None, lambda s: s.true())
    measure("the same, the service not yet running", [BerthActivated(), systems[1]], rounds * 2,
            lambda s: None, lambda s: s.true())
    systems[1].process.terminate()


if __name__ == "__main__":
    main()
