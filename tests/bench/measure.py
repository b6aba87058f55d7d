# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the systems for "bench", in the test machine. Every store is on a new tmpfs.

Each round measures every system once, so that a change of the machine's speed affects all of them; ratios within a
round are compared. CPU is that of all processes in the machine: services, workers and the registry; a system begins when
the one before is idle."""

import gzip
import json
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
# In a hybrid machine, these are the counters of the machine's own cgroup.
CPU_FILES = ("/sys/fs/cgroup/cpuacct/cpuacct.usage", "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage")
DETACHED = 50


def run(*command, check=True):
    completed = subprocess.run(command, check=False, **{**QUIET, "stderr": subprocess.PIPE})
    if check and completed.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {completed.stderr.decode()}")


def processor_seconds():
    for path in CPU_FILES:
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                return int(file.read()) / 1e9
    return 0.0


def settle():
    """Waits until what a system has left behind has ended, such as podman's clean-up after an exec: it would compete with
    the next system, and count as its work."""
    for _ in range(100):
        used = processor_seconds()
        time.sleep(0.1)
        if processor_seconds() - used < 0.003:
            break


def measured(action):
    """Runs an action; returns its wall-clock time, the CPU time of it and of what it leaves behind, in seconds, and the
    peak memory of this program's largest child in KiB."""
    settle()
    begin, used = time.monotonic(), processor_seconds()
    action()
    wall = time.monotonic() - begin
    settle()
    return {"wall": wall, "cpu": processor_seconds() - used, "peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}


def in_child(action):
    """Like measured(), but in a separate process, so that only its children count for the peak. As they begin as copies
    of that process, the peak is at least its size, about 20 MB."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(write, json.dumps(measured(action)).encode())
            status = 0
        except SystemExit as error:
            os.write(write, json.dumps({"error": str(error)}).encode())
        finally:
            os._exit(status)
    os.close(write)
    with open(read, "rb") as file:
        result = json.loads(file.read() or b'{"error": "no result"}')
    os.waitpid(child, 0)
    if "error" in result:
        raise SystemExit(result["error"])
    return result


def fresh(path):
    subprocess.run(["umount", "-l", path], check=False, **QUIET)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    run("mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", path)


class Berth:
    name = "berth"

    def reset(self):
        run("systemctl", "stop", "berthd.service")
        # Trees whose removal was deferred would be work of an earlier round.
        for name in os.listdir("/var/lib/berth"):
            path = f"/var/lib/berth/{name}"
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        run("dist", "images")

    def pull(self, image):
        run("dist", "pull", "-q", image)

    def true(self):
        run("dist", "run", "--rm", BUSYBOX, "/bin/true")

    def keep(self):
        run("dist", "run", "-d", "--name=bench", BUSYBOX, "/bin/sleep", "10000")

    def execute(self):
        run("dist", "exec", "bench", "/bin/true")

    def detached(self):
        for number in range(DETACHED):
            run("dist", "run", "-d", "--label=bench=x", BUSYBOX, "/bin/sleep", "10000")

    def end_detached(self):
        names = subprocess.run(["dist", "ps", "-aq"], check=True, capture_output=True, text=True).stdout.split()
        run("dist", "rm", "-f", *names)


class BerthActivated(Berth):
    name = "berth, activated"

    def before(self):
        run("systemctl", "reset-failed", "berthd.service", check=False)
        run("systemctl", "stop", "berthd.service")


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
        run(*CTR, "images", "pull", "--plain-http", image)

    def true(self):
        run(*CTR, "run", "--rm", BUSYBOX, f"c{time.monotonic_ns()}", "/bin/true")

    def detached(self):
        for number in range(DETACHED):
            run(*CTR, "run", "-d", BUSYBOX, f"d{number}", "/bin/sleep", "10000")

    def end_detached(self):
        for number in range(DETACHED):
            run(*CTR, "task", "kill", "-s", "KILL", f"d{number}", check=False)
            run(*CTR, "task", "delete", "-f", f"d{number}", check=False)
            run(*CTR, "container", "delete", f"d{number}", check=False)


class Podman:
    name = "podman"

    def reset(self):
        fresh("/tmp/podman")

    def pull(self, image):
        run(*PODMAN, "pull", "-q", "--tls-verify=false", image)

    def true(self):
        run(*PODMAN, "run", "--rm", "--network=none", BUSYBOX, "/bin/true")

    def keep(self):
        run(*PODMAN, "run", "-d", "--name=bench", "--network=none", BUSYBOX, "/bin/sleep", "10000")

    def execute(self):
        run(*PODMAN, "exec", "bench", "/bin/true")


class Skopeo:
    """Downloads and unpacks an image, one after the other."""
    name = "skopeo + umoci"

    def reset(self):
        fresh("/tmp/skopeo")

    def pull(self, image):
        run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{image}", "oci:/tmp/skopeo/oci:x")
        run("umoci", "unpack", "--image", "/tmp/skopeo/oci:x", "/tmp/skopeo/bundle")


class SkopeoAlone:
    name = "skopeo (download)"

    def reset(self):
        fresh("/tmp/download")

    def pull(self, image):
        run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{image}", "oci:/tmp/download/oci:x")


class Igzip:
    """Only decompresses and writes files, without download and digests."""
    name = "igzip | tar"
    layer = "/tmp/layer.tar.gz"

    def reset(self):
        fresh("/tmp/igzip")

    def pull(self, image):
        run("sh", "-c", f"igzip -dc {self.layer} | tar --numeric-owner -xf - -C /tmp/igzip")


class Runtime:
    """Runs a prepared bundle, without an image and a service."""

    def __init__(self, program):
        self.name = f"{program} --systemd-cgroup"
        self.program = program
        self.bundle = f"/tmp/bundle-{program}"
        os.makedirs(f"{self.bundle}/rootfs/bin")
        # systemd-nspawn refuses a tree without /usr.
        os.makedirs(f"{self.bundle}/rootfs/usr")
        shutil.copy("/bin/busybox", f"{self.bundle}/rootfs/bin/true")
        subprocess.run([program, "spec"], check=True, cwd=self.bundle, **QUIET)
        with open(f"{self.bundle}/config.json", encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=["/bin/true"])
        with open(f"{self.bundle}/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)

    def true(self):
        run(self.program, "--systemd-cgroup", "run", "--bundle", self.bundle, f"r{time.monotonic_ns()}")


class Nspawn:
    name = "systemd-nspawn"

    def true(self):
        run("systemd-nspawn", "-q", "--as-pid2", "-D", "/tmp/bundle-crun/rootfs", "/bin/true")


class Scope:
    """Runs the command in a scope, without a container."""
    name = "systemd-run --scope"

    def true(self):
        run("systemd-run", "-q", "--scope", "/bin/true")


def median(values):
    return statistics.median(values) if values else 0


def measure(title, systems, rounds, action, before=None, after=None):
    """Returns a table in Markdown, and the figures. The first system is compared with each of the others."""
    figures = {system.name: [] for system in systems}
    for _ in range(rounds):
        for system in systems:
            try:
                for prepare in (before, getattr(type(system), "before", None)):
                    if prepare:
                        prepare(system)
                figures[system.name].append(in_child(lambda system=system: action(system)))
                if after:
                    after(system)
            except SystemExit as error:
                figures[system.name].append(None)
                print(f"{title}: {system.name}: {error}", file=sys.stderr)
    print(f"\n| {title} | wall ms | CPU ms | peak MB | {systems[0].name}, of its wall | of its CPU |\n|---|---|---|---|---|---|")
    ours = figures[systems[0].name]
    for system in systems:
        theirs = figures[system.name]
        pairs = [(a, b) for a, b in zip(ours, theirs) if a and b]
        ratios = [median([a[key] / b[key] for a, b in pairs if b[key]]) for key in ("wall", "cpu")]
        good = [figure for figure in theirs if figure]
        print(f"| {system.name} | {median([f['wall'] for f in good]) * 1000:.1f} | {median([f['cpu'] for f in good]) * 1000:.1f}"
              f" | {median([f['peak'] for f in good]) / 1024:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |", flush=True)
    return {title: figures}


def warm(megabytes):
    """Touches memory once before measuring, since the first use of memory after boot is slow."""
    fresh("/tmp/warm")
    with open("/tmp/warm/zeros", "wb") as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    run("umount", "/tmp/warm")


def service_memory():
    """Returns the proportional set size of the service and its helper processes, in KiB. The service may have exited,
    since nothing was running."""
    total = 0
    run("busctl", "call", "org.berth1", "/org/berth1", "org.freedesktop.DBus.Peer", "Ping")
    for pid in subprocess.run(["pidof", "berthd", "berth-relay"], check=True, capture_output=True, text=True).stdout.split():
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def main():
    tar, rounds = sys.argv[1], int(sys.argv[2])
    with open(tar, "rb") as file:
        plain = file.read()
    stored = gzip.compress(plain, 6, mtime=0)
    with open(Igzip.layer, "wb") as file:
        file.write(stored)
    layer = (oci.digest_of(plain), oci.LAYER + "+gzip", stored)
    oci.push(oci.Image([layer], {"Cmd": ["/bin/bash"]}), DEB)
    oci.push(oci.busybox_image(), BUSYBOX)
    print(f"deb: {len(plain) / 1e6:.0f} MB, {len(stored) / 1e6:.0f} MB stored", file=sys.stderr)
    del plain, stored, layer
    warm(1500)
    # crun's device filter needs more than the default, if the limit can be raised.
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
    berth, ctr, podman = Berth(), Containerd(), Podman()
    figures = measure("pull of deb into an empty store", [berth, ctr, podman, Skopeo(), SkopeoAlone(), Igzip()], rounds,
                      lambda s: s.pull(DEB), before=lambda s: s.reset())
    for system in (berth, ctr, podman):
        system.reset()
        system.pull(BUSYBOX)
    figures |= measure("run --rm /bin/true", [berth, ctr, podman, Runtime("crun"), Runtime("runc"), Nspawn(), Scope()],
                       rounds * 3, lambda s: s.true())
    figures |= measure("the same, the service not yet running", [BerthActivated(), ctr], rounds * 2, lambda s: s.true())
    for system in (berth, podman):
        system.keep()
    figures |= measure("exec /bin/true", [berth, podman], rounds * 3, lambda s: s.execute())
    figures |= measure(f"{DETACHED} detached, one after another", [berth, ctr], rounds, lambda s: s.detached(),
                       after=lambda s: s.end_detached())
    idle = service_memory()
    memory = {"idle": idle}
    for number in (DETACHED, 2 * DETACHED):
        berth.detached()
        memory[f"with {number} containers"] = service_memory()
    figures["service memory, KiB"] = memory
    print("\n| the service's memory (PSS) | KiB |\n|---|---|")
    for name, size in memory.items():
        print(f"| {name} | {size} |")
    ctr.process.terminate()
    print(json.dumps(figures), file=sys.stderr)


if __name__ == "__main__":
    main()
