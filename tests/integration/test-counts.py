# SPDX-License-Identifier: LGPL-2.1-or-later
# Counts what a run, an exec, a listing and a pull do, and compares the figures with ../bench/counts.json.

import os
import re
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import counts  # pylint: disable=wrong-import-position

# Relative tolerance of a figure; the lower bound allows for operations that coincide.
TOLERANCE = 0.05


def test_no_operation_costs_more_than_recorded():
    with open(counts.FILE, encoding="utf-8") as file:
        kept = json.load(file)
    found = counts.collect()
    # Sanitizers, coverage and other systems add their own calls.
    if counts.system() != kept["system"]:
        print(f"# not compared: the figures are of {kept['system']}, this is {counts.system()}")
        return
    equal(sorted(found), sorted(kept["figures"]), "the figures")
    differ = {name: value - kept["figures"][name] for name, value in found.items()
              if abs(value - kept["figures"][name]) > max(TOLERANCE * kept["figures"][name], 3)}
    for name, value in differ.items():
        print(f"# {name}: {kept['figures'][name]} before, now {found[name]} ({value:+})")
    # Fewer calls are fine: on a busy machine, one read returns the data of two.
    equal({name: value for name, value in differ.items() if value > 0}, {},
          "see \"tests/bench/bench --counts\", which also brings the file up to date")


def test_the_kernel_is_made_ready_for_the_move_before_there_is_a_process():
    """If the client sends Start together with Create, a thread that moves itself to the cgroup that it is in already is
    created before the process is launched."""
    counts.oci.push(counts.oci.busybox_image(), counts.BUSYBOX)
    good("pull", "-q", counts.BUSYBOX)
    own = run("cat", f"/proc/{service_pid()}/cgroup").out
    counts.traced("dist", "run", "--rm", counts.BUSYBOX, "/bin/true")
    with open("/tmp/counts.trace", encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    moves = [number for number, line in enumerate(lines)
             if re.match(r'(\d+)<cgroup-move> +write\(\d+, "\1", \d+', line)]
    opened = [line for line in lines if "<cgroup-move>" in line and "/cgroup." in line]
    assert opened and all("/cgroup.threads" in line for line in opened), opened
    launches = [number for number, line in enumerate(lines) if "execveat(" in line]
    # On a busy machine, the kernel may run the new thread later than berth-launch.
    threads = [number for number, line in enumerate(lines) if "<berthd> clone" in line and "CLONE_THREAD" in line]
    equal([len(found) > 0 for found in (moves, threads, launches)], [True] * 3, "there is a move, a thread and a launch")
    equal(threads[0] < launches[0], True, "the thread is created before berth-launch is executed")
    contains(own, "berthd.service")
    equal(run("cat", f"/proc/{service_pid()}/cgroup").out, own, "the service's cgroup")


def trash():
    """Returns the directories of deleted blobs whose files a worker has not removed yet."""
    return [name for name in os.listdir(f"{STATE}/content") if name.startswith(".trash")]


def test_a_large_blob_is_deleted_by_a_worker():
    """A file system may take seconds to free a large file, in which the service could not answer anyone."""
    # The second is a thread of berth-unpack.
    for size, thread in ((1000, "berthd"), (4 * 1024 * 1024, "empty")):
        digest = run("dist", "content", "ingest", f"blob-{size}", input="x" * size).out.split()[0]
        counts.traced("dist", "content", "rm", digest, until=lambda: not trash())
        with open("/tmp/counts.trace", encoding="utf-8", errors="replace") as file:
            lines = [line for line in counts.whole_lines(file) if "unlinkat(" in line and digest.partition(":")[2] in line]
        equal([re.search("<([^>]*)>", line)[1] for line in lines if line.rstrip().endswith("= 0")], [thread])
        contains(dist("content", "rm", digest).err, digest)
    equal(trash(), [])


LAYERS = 24


def test_many_layers_are_unpacked_by_clones_of_one_process():
    """Each clone still enters its own sandbox: a root, namespaces, its own filter and that of its keeper."""
    executed = []
    # The service executes a worker while the template is loading, and all of them if it does not answer for a second, as
    # may happen on a busy machine.
    for attempt in range(10):
        # None of the layers exists yet.
        layers = [counts.oci.busybox_layer().add("lowest", str(attempt).encode()).finish()]
        layers += [counts.oci.Layer().directory("d").add(f"d/{number}", f"{attempt} {number}\n".encode()).finish()
                   for number in range(1, LAYERS)]
        image = f"127.0.0.1:5000/counts/layers:{attempt}"
        counts.oci.push(counts.oci.Image(layers, {"Cmd": ["true"], "Env": ["PATH=/bin"]}), image)
        counts.traced("dist", "pull", "-q", image)
        with open("/tmp/counts.trace", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
        executed.append(len([line for line in lines if "execve(\"/usr/libexec/berth/berth-unpack\"" in line]))
        own = [line for line in lines if "<berth-unpack>" in line]
        # Those without a network are shared by the clones of one process, which enters them once.
        equal(len([line for line in own if "unshare(" in line and "CLONE_NEWNET" in line]), executed[-1], "empty networks")
        for call, number in (("pivot_root(", 1), ("unshare(CLONE_NEWUSER", 1), ("seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=", 2)):
            # A clone that came too late is killed, and may have begun.
            found = len([line for line in own if call in line])
            assert number * LAYERS <= found <= number * (LAYERS + 1), (call, found)
        equal(good("run", "--rm", image, "cat", "/d/1", "/d/23").split(), [str(attempt), "1", str(attempt), "23"])
        if 2 < executed[-1] < LAYERS // 2:
            return
    raise AssertionError(f"so many processes were executed for {LAYERS} layers: {executed}")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
