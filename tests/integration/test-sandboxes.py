# SPDX-License-Identifier: LGPL-2.1-or-later
# The sandboxes of the workers. A program (tests/sandbox) replaces one worker at a time, is started by berthd in its
# place, and tries what a compromised worker could try: to clone, connect, signal, trace, mount and open files.

import fcntl
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

trust = importlib.import_module("test-trust")
IMAGE = f"{HOST}/sandboxes/base:x"
WORKERS = "/usr/libexec/berth"
PROBE = os.environ["BERTH_BUILD"] + "/tests/sandbox/probe"
TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")

# The results of attempts, by worker; "0" is success. All attempts that are not listed must fail with ENOSYS, with which
# the system call filter refuses a call.
COMMON = {"thread": "0", "is-first": "0", "tgkill-self": "0", "prlimit-get": "0", "large-file": "EFBIG"}
WRITER = {**COMMON, "large-file": "0"}
FILES = {name: "ENOENT" for name in ("open-passwd", "open-shadow", "open-machine-id", "open-hosts", "open-state", "open-run", "open-sys",
                                     "open-tmp", "open-dev", "open-memory", "open-second", "open-above",
                                     "open-through-descriptor", "open-made", "create")}
MAY = {
    "archive": WRITER,
    "ingest": WRITER,
    "inspect": COMMON,
    "screen": COMMON,
    "signature": COMMON,
    # The root of this worker is a read-only view of the journal, which contains only its directories.
    "journal": {**COMMON, **FILES},
    # The root of this worker is a layer's directory, which is empty. The worker is root of a user namespace only. For
    # operations that need the machine's root, it has a keeper, which does only those that layers need, and only in that
    # directory. A device node there cannot be opened.
    "unpack": {**WRITER, **FILES, "set-trusted": "EPERM", "set-security": "EPERM", "make-device": "EPERM",
               "kept-opaque": "0", "kept-get": "0", "kept-device": "0", "open-kept-device": "EACCES", "kept-nothing": "EINVAL",
               **{f"kept-{name}": "EPERM" for name in ("value", "redirect", "unmark", "user", "get-user", "file", "set-id", "path",
                                                       "above", "above-xattr", "elsewhere")}},
    "fetch": {**COMMON, **FILES, "socket-inet": "0", "socket-inet6": "0", "socket-route": "0", "socket-raw": "EPERM",
              "open-hosts": "0", "open-memory": "ENOSYS", "create": "ENOSYS", "code": "0",
              # Only Landlock denies this.
              "bind": "EACCES"},
    # These workers are in the PID namespace of the machine, but may neither see nor signal any process there.
    "relay": {"thread": "0", "is-first": "EEXIST", "large-file": "0", "shutdown-error": "0"},
    "filter": {**COMMON, "is-first": "EEXIST", "memfd": "0"},
}

# Results in a worker without a keeper, where the keeper's operations are tried directly with the rights of a user.
NARROW = {**{name: "EPERM" for name in MAY["unpack"] if name.startswith("kept-")},
          "kept-get": "ENODATA", "kept-nothing": "EBADF", "open-kept-device": "ENOENT"}


def take_over(name):
    os.rename(f"{WORKERS}/berth-{name}", f"{WORKERS}/real-{name}")
    shutil.copy(PROBE, f"{WORKERS}/berth-{name}")


def give_back(name):
    os.rename(f"{WORKERS}/real-{name}", f"{WORKERS}/berth-{name}")


def reports(name):
    lines = run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "berthd.service").out.splitlines()
    return [line for line in lines if line.startswith(f"sandbox {name} ")]


def report_of(name, *command, **more):
    """Runs dist while the probe replaces a worker; returns the results that the probe reports."""
    before = len(reports(name))
    take_over(name)
    try:
        result = dist(*command, **more)
        wait_until(lambda: len(reports(name)) > before, f"the report of {name} ({result})")
    finally:
        give_back(name)
    return dict(item.split("=") for item in reports(name)[-1].split()[2:])


def check(name, found, may):
    assert len(found) > 90, found
    wrong = {key: value for key, value in found.items() if value != may.get(key, "ENOSYS")}
    equal(wrong, {}, f"berth-{name}")


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)


def test_fetch():
    check("fetch", report_of("fetch", "pull", IMAGE), MAY["fetch"])


def test_fetch_where_a_resolver_listens():
    """Only if a resolver listens may berth-fetch create a socket for it; it cannot reach other sockets, including
    abstract ones."""
    os.makedirs("/run/nscd", exist_ok=True)
    with socket.socket(socket.AF_UNIX) as resolver, socket.socket(socket.AF_UNIX) as other:
        resolver.bind("/run/nscd/socket")
        os.chmod("/run/nscd/socket", 0o666)
        resolver.listen(8)
        other.bind("\0berth-sandbox-test")
        other.listen(8)
        found = report_of("fetch", "pull", IMAGE)
    shutil.rmtree("/run/nscd")
    hidden = {name: "ENOENT" for name in ("bus", "journal", "journal-output", "notify", "systemd")}
    check("fetch", found, {**MAY["fetch"], **hidden, "socket-unix": "0", "nscd": "0", "abstract": "EPERM"})


def test_ingest():
    check("ingest", report_of("ingest", "pull", IMAGE), MAY["ingest"])


def test_inspect():
    check("inspect", report_of("inspect", "pull", IMAGE), MAY["inspect"])


def test_unpack():
    check("unpack", report_of("unpack", "pull", IMAGE), MAY["unpack"])


def test_unpack_for_another_user():
    """If berth-unpack works for a user, its root is a directory of that user, and it has no keeper."""
    good("pull", IMAGE)
    polkit_rule('polkit.addRule(function(action, subject) { if (subject.user == "alice") return "yes"; });')
    os.makedirs("/home/alice/applied", exist_ok=True)
    os.chown("/home/alice/applied", 4242, 4242)
    layer = json.loads(good("inspect", "--manifest", IMAGE))["layers"][0]["digest"]
    found = report_of("unpack", "content", "apply", layer, "/home/alice/applied", user="alice")
    check("unpack for alice", found, {**MAY["unpack"], **NARROW})


def test_a_worker_cannot_hide_what_the_service_logs():
    """A worker that was taken over and writes lines without end does not reach journald's rate limit of the service,
    and gives no entry a priority that reaches every terminal."""
    good("pull", IMAGE)
    after = journal_cursor()
    os.rename(f"{WORKERS}/berth-inspect", f"{WORKERS}/real-inspect")
    with open(f"{WORKERS}/berth-inspect", "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nyes '<5>hiding' 2>&1 | head -n 300000 >&2\necho '<0>shouting' >&2\nexec {WORKERS}/real-inspect \"$@\"\n")
    os.chmod(f"{WORKERS}/berth-inspect", 0o755)
    try:
        dist("export", "-o", "/var/tmp/x.tar", IMAGE)
    finally:
        give_back("inspect")
    for number in range(3):
        good("volume", "create", f"noticed{number}")
    good("volume", "rm", *(f"noticed{number}" for number in range(3)))
    found = wait_until(lambda: (entries := journal_entries(after, "berthd")) and any(entry.get("BERTH_OBJECT") == "noticed2" for entry in entries)
                       and run("journalctl", "-q", "-o", "json", "--all", f"--after-cursor={after}", "-u", "berthd.service"), "the entry about the volume")
    entries = [json.loads(line) for line in found.out.splitlines()]
    hiding = [entry for entry in entries if "hiding" in str(entry["MESSAGE"])]
    assert len(hiding) == 1, len(hiding)
    equal({entry["MESSAGE"] for entry in entries if entry["PRIORITY"] == "0"}, set())


def test_relay():
    """berth-relay has no ids of root, no capabilities, no supplementary groups, and a system call filter."""
    good("images", "-q")
    status = read_status(run("pgrep", "-x", "berth-relay").out.strip())
    equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
    equal([int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")], [0] * 5)
    assert "0" not in status["Uid"].split() + status["Gid"].split(), status
    equal(status["Groups"].strip(), "")


def test_a_compromised_relay():
    """A compromised relay can do nothing. The service exits without its relay, and is started again."""
    run("systemctl", "stop", "berthd.service")
    check("relay", report_of("relay", "images", "-q"), MAY["relay"])
    run("systemctl", "reset-failed", "berthd.service")
    good("images", "-q")


def test_filter():
    """berth-filter, which compiles a caller's seccomp profile with libseccomp, is sandboxed."""
    good("pull", IMAGE)
    profile = json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]})
    take_over("filter")
    try:
        result = dist("run", "--rm", f"--seccomp={profile}", IMAGE, "true")
    finally:
        give_back("filter")
    contains(result.err, "berth-filter wrote no filter")
    line = next(line for line in result.err.splitlines() if line.startswith("sandbox filter "))
    check("filter", dict(item.split("=") for item in line.split()[2:]), MAY["filter"])


class HelpingGroup:
    """Replaces berth-group by a script that first executes these commands. It runs when alice starts the container
    BOUND, which has a bind mount of her directory."""
    def __init__(self, text):
        self.text = text

    def __enter__(self):
        good("pull", IMAGE)
        polkit_rule('polkit.addRule(function(action, subject) { if (subject.user == "alice") return "yes"; });')
        os.makedirs("/home/alice/bound", exist_ok=True)
        os.chown("/home/alice/bound", 4242, 4242)
        os.rename(f"{WORKERS}/berth-group", f"{WORKERS}/real-group")
        with open(f"{WORKERS}/berth-group", "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{self.text}\nexec {WORKERS}/real-group \"$@\"\n")
        os.chmod(f"{WORKERS}/berth-group", 0o755)

    def __exit__(self, *_):
        give_back("group")


BOUND = ("run", "--rm", "--id=bound", "-v", "/home/alice/bound:/v", IMAGE, "echo", "well")


def test_group():
    """berth-group runs as root, as the machine's NSS modules may need it, but it can only read files."""
    existing = "/run/sandboxes-existing"
    with open(existing, "w", encoding="ascii") as file:
        file.write("as it was")
    with HelpingGroup(f"python3 {TOOLS}/reading_probe.py {existing} {service_pid()} >&2"):
        result = dist(*BOUND, user="alice")
    equal((result.status, result.out), (0, "well\n"), result)
    equal(json.loads(result.err), {"capabilities": [0] * 5, "no_new_privs": 1, "read": 0, "write": "EACCES", "create": "EACCES", "state": "EACCES",
                                   "remove": "EACCES", "signal": "EPERM", "bind": "EACCES", "trace": "EPERM"})
    with open(existing, encoding="ascii") as file:
        equal(file.read(), "as it was")
    os.unlink(existing)


def test_process_that_writes_limits():
    """The process that writes limits, which may wait in the kernel, has no capabilities and a filter. The test starts
    it as berthd does, with the set-up of a container whose start is held by a replaced berth-group."""
    with open("/run/sandboxes-gate", "w", encoding="ascii"):
        pass
    with HelpingGroup("while [ -e /run/sandboxes-gate ]; do sleep 0.05; done"):
        started = subprocess.Popen(["runuser", "-u", "alice", "--", "dist", *BOUND], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        held = wait_until(lambda: run("pgrep", "-x", "berth-launch").out.split(), "the start that is held")[0]
        wait_until(lambda: run("pgrep", "-f", "berth-group").status == 0, "its helper")
        setup = os.open(f"/proc/{held}/fd/4", os.O_RDONLY)
        os.unlink("/run/sandboxes-gate")
        equal(started.wait(60), 0)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    null = os.open("/dev/null", os.O_RDWR)
    sources = (null, null, 2, theirs.fileno(), setup, null, null, null, null, null, writer)

    def place():
        above = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in sources]
        for number, fd in enumerate(above):
            os.dup2(fd, number)
        os.closerange(len(above), 256)
    with subprocess.Popen([f"{WORKERS}/berth-launch", "limits", "bound", "x", "/a/cgroup", "MemoryMax"], close_fds=False, preexec_fn=place,
                          executable=f"{WORKERS}/berth-launch") as helper:
        status = wait_until(lambda: (found := read_status(helper.pid))["NoNewPrivs"] == "1" and found, "its sandbox")
        equal([int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")], [0] * 5)
        equal(status["Seccomp"], "2")
        os.read(reader, 65536)
        equal(helper.wait(60), 0)
    equal(ours.recv(100)[:1], b"K")


# Operations that no program of Berth's units may do.
NOTHING = ("write /etc", "write /usr", "write /var", "write /var/lib/berth", "write /run", "write /run/systemd", "write /root", "write /home",
           "read /dev/mem", "read /dev/kmsg", "packet", "vsock", "algorithm", "trace", "users", "network", "mount", "bpf", "keys", "swap",
           "personality")


def service_report(unit):
    """Returns the report of service_probe.py, which journald may read after the unit has ended."""
    def lines():
        out = run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", unit).out
        return [line for line in out.splitlines() if line.startswith('{"capabilities"')]
    return json.loads(wait_until(lines, f"the report of {unit}")[0])


def may_not(found, more=()):
    equal((found["no_new_privs"], found["seccomp"]), (1, 2))
    equal([name for name in NOTHING + tuple(more) if found[name] == 0], [])


def test_the_name_server():
    """aardvark-dns, which parses queries of containers, is sandboxed by its unit."""
    good("pull", IMAGE)
    place = "/usr/lib/podman/aardvark-dns"
    os.rename(place, f"{place}.real")
    shutil.copy(f"{TOOLS}/service_probe.py", f"{place}.probe")
    os.chmod(f"{place}.probe", 0o755)
    with open(place, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n/usr/bin/python3 {place}.probe {service_pid()}\nexec {place}.real \"$@\"\n")
    os.chmod(place, 0o755)
    try:
        good("run", "--rm", "--network=berth", IMAGE, "true")
    finally:
        os.rename(f"{place}.real", place)
    found = service_report("berth-dns.service")
    equal(found["capabilities"], 1 << 10)    # CAP_NET_BIND_SERVICE
    may_not(found, ("read /etc/shadow", "read /var/lib/berth", "read /root", "read /proc/PID/environ", "signal", "bus"))
    equal(found["internet"], 0)


def test_units_that_run_dist():
    """Units that run dist as root may only use the bus: they have no capabilities and cannot write to the machine. Only
    berth-update, which pulls and may run a credential helper, can use the network."""
    # The units do not see /tmp, where the tree may be.
    probe = "/usr/lib/service-probe.py"
    shutil.copy(f"{TOOLS}/service_probe.py", probe)
    for unit in ("berth-autostart", "berth-prune", "berth-update", "berth-verify"):
        os.makedirs(f"/run/systemd/system/{unit}.service.d", exist_ok=True)
        with open(f"/run/systemd/system/{unit}.service.d/probe.conf", "w", encoding="utf-8") as file:
            file.write(f"[Service]\nExecStart=\nExecStart=python3 {probe} {service_pid()}\n")
        run("systemctl", "daemon-reload")
        started = run("systemctl", "start", f"{unit}.service")
        assert started.status == 0, (started, run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", f"{unit}.service").out)
        found = service_report(f"{unit}.service")
        equal(found["capabilities"], 0, unit)
        may_not(found, () if unit == "berth-update" else ("internet",))
        equal(found["bus"], 0, unit)
        shutil.rmtree(f"/run/systemd/system/{unit}.service.d")
    run("systemctl", "daemon-reload")


def test_archive():
    good("pull", IMAGE)
    check("archive", report_of("archive", "export", "-o", "/var/tmp/x.tar", IMAGE), MAY["archive"])


def test_signature():
    trust.make_key("sandboxes", "ec")
    trust.configure(f"[Policy {trust.REGISTRY.host}/signed]\nRequire=signed\nKey={trust.KEYS}/sandboxes.pub\n")
    reference, digest, repository = trust.add("signed/sandboxes", 1)
    payload = trust.payload_for(repository, digest)
    trust.attach("signed/sandboxes", digest, (payload, trust.sign("sandboxes", "ec", payload)))
    check("signature", report_of("signature", "pull", reference), MAY["signature"])
    trust.configure("")


def test_screen():
    check("screen", report_of("screen", "run", "-dt", "--id=terminal", IMAGE), MAY["screen"])
    good("rm", "-f", "terminal")


def test_journal():
    good("pull", IMAGE)
    good("create", "--id=logged", IMAGE)
    check("journal", report_of("journal", "logs", "logged"), MAY["journal"])
    good("rm", "logged")


def test_copies():
    """berth-copy enters the namespaces of a container, which a user namespace replaces here, before its sandbox. It may
    open the files that the container's root may open."""
    for name in ("copy-in", "copy-out"):
        shutil.copy(PROBE, "/var/tmp/probe")
        result = run("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "/var/tmp/probe", name)
        found = dict(item.split("=") for item in result.err.split()[2:])
        files = {key: value for key, value in found.items() if key.startswith("open-") and key not in ("open-by-handle", "open-tree")}
        assert set(files.values()) <= {"0", "ENOENT", "EACCES", "EPERM"}, files
        check(name, found, {**WRITER, **files, "create": found["create"]})


def read_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def test_a_worker_is_alone_in_its_namespaces():
    """A worker is a child of berthd in namespaces of its own, has no capabilities, and ends with berthd."""
    good("run", "-dt", "--id=terminal", IMAGE)
    pid = wait_until(lambda: run("pgrep", "-x", "berth-screen").out.strip(), "the worker")
    status = wait_until(lambda: (found := read_status(pid))["Seccomp"] == "2" and found, "the worker is in its sandbox")
    equal(int(status["PPid"]), service_pid())
    equal(status["NSpid"].split()[-1], "1")
    equal((status["NoNewPrivs"], int(status["CapPrm"], 16), int(status["CapBnd"], 16)), ("1", 0, 0))
    for name in ("pid", "net", "ipc", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{name}") != os.readlink(f"/proc/{service_pid()}/ns/{name}"), name
    kill_service()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the worker's end")
    good("rm", "-f", "terminal")


def test_workers_leave_tasks_to_others():
    """A worker may create threads, but those of all workers are at most half of the tasks that the machine can have."""
    with open("/proc/sys/kernel/threads-max", encoding="ascii") as file:
        most = int(file.read())
    limit = run("systemctl", "show", "-P", "TasksMax", "berthd.service").out.strip()
    assert limit.isdigit() and int(limit) <= most // 2 + 1, (limit, most)


# The worker has CAP_CHOWN, DAC_OVERRIDE, FOWNER and FSETID; its keeper has DAC_OVERRIDE, SYS_ADMIN, MKNOD and SETFCAP.
UNPACK_CAPABILITIES = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4
KEEPER_CAPABILITIES = 1 << 1 | 1 << 21 | 1 << 27 | 1 << 31


def in_sandbox(pid, capabilities):
    status = wait_until(lambda: (found := read_status(pid))["Seccomp"] == "2" and found, f"{pid} is in its sandbox")
    equal((status["NoNewPrivs"], [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")]),
          ("1", [capabilities] * 3 + [0, 0]))
    return status


def test_berth_unpack_is_not_root_of_the_machine():
    """berth-unpack is root of a user namespace that maps all ids. Its keeper, a separate process, is not in that user
    namespace, and has only a socket besides the standard descriptors."""
    registry = FaultyRegistry()
    image = oci.Image([oci.Layer("gzip").add("f", os.urandom(200000))])
    reference, _ = registry.add("sandbox:x", image)
    gate = registry.stall[image.manifest["layers"][0]["digest"]] = threading.Event()
    pull = subprocess.Popen(["dist", "pull", "-q", reference])
    worker, keeper = wait_until(lambda: len(found := run("pgrep", "-x", "berth-unpack").out.split()) == 2 and sorted(found, key=int),
                                "the worker and its keeper")
    status = in_sandbox(worker, UNPACK_CAPABILITIES)
    equal(int(status["PPid"]), service_pid())
    status = in_sandbox(keeper, KEEPER_CAPABILITIES)
    own = {pid: {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in ("user", "pid", "mnt", "net", "ipc", "uts")}
           for pid in (worker, keeper, service_pid())}
    assert own[worker]["user"] != own[service_pid()]["user"], own
    with open(f"/proc/{worker}/uid_map", encoding="ascii") as uids, open(f"/proc/{worker}/gid_map", encoding="ascii") as gids:
        equal([uids.read().split(), gids.read().split()], [["0", "0", "4294967295"]] * 2)
    equal((status["PPid"], status["NSpid"].split()[-1], status["Threads"]), (worker, "2", "1"))
    equal(own[keeper]["user"], own[service_pid()]["user"])
    for name in ("pid", "mnt", "net", "ipc", "uts"):
        equal(own[keeper][name], own[worker][name], name)
        assert own[keeper][name] != own[service_pid()][name], name
    equal(sorted(os.listdir(f"/proc/{keeper}/fd")), ["0", "1", "2", "3"])
    contains(os.readlink(f"/proc/{keeper}/fd/3"), "socket:")
    # If the worker is killed, its keeper ends with it, and the pull fails.
    os.kill(int(worker), signal.SIGKILL)
    wait_until(lambda: not os.path.exists(f"/proc/{keeper}"), "the keeper's end")
    gate.set()
    assert pull.wait(60) != 0
    registry.stall.clear()
    good("pull", "-q", reference)
    wait_until(lambda: run("pgrep", "-x", "berth-unpack").status == 1, "the workers' end")


def test_only_berth_fetch_learns_of_a_proxy():
    """The address of a proxy may contain a password."""
    registry = FaultyRegistry()
    image = oci.Image([oci.Layer("gzip").add("f", os.urandom(200000))])
    reference, _ = registry.add("proxy:x", image)
    gate = registry.stall[image.manifest["layers"][0]["digest"]] = threading.Event()
    found = {}
    with service_settings("Environment=https_proxy=http://user:secret@127.0.0.1:1\n"):
        pull = subprocess.Popen(["dist", "pull", "-q", reference])
        for kind in ("fetch", "ingest", "inspect", "unpack"):
            pid = wait_until(lambda kind=kind: run("pgrep", "-x", "-P", str(service_pid()), f"berth-{kind}").out.strip(), kind)
            wait_until(lambda pid=pid: read_status(pid)["Seccomp"] == "2", f"{kind} is in its sandbox")
            with open(f"/proc/{pid}/environ", encoding="utf-8") as environment:
                found[kind] = "secret" in environment.read()
        gate.set()
        equal(pull.wait(60), 0)
    equal(found, {"fetch": True, "ingest": False, "inspect": False, "unpack": False})
    registry.stall.clear()
    good("rmi", reference)


def answer_names(server):
    """Answers DNS queries: every name has the address 127.0.0.1, and no other records (RFC 1035, 4.1)."""
    while True:
        try:
            query, client = server.recvfrom(512)
        except OSError:
            return
        end = query.index(0, 12) + 5
        found = query[end - 4:end - 2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if found else b""
        server.sendto(query[:2] + b"\x81\x80\0\1" + bytes([0, found]) + b"\0\0\0\0" + query[12:end] + answer, client)


def test_names_are_still_resolved():
    """berth-fetch resolves names with /etc/hosts, and with /etc/resolv.conf if that is a link to a file in /run."""
    with open("/etc/hosts", "a", encoding="ascii") as file:
        file.write("127.0.0.1 registry.hosts.test\n")
    good("pull", "--insecure", IMAGE.replace(HOST, "registry.hosts.test:5000"))
    assert dist("pull", "--insecure", IMAGE.replace(HOST, "registry.served.test:5000")).status != 0
    os.makedirs("/run/systemd/resolve", exist_ok=True)
    with open("/run/systemd/resolve/resolv.conf", "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.1\n")
    os.symlink("../run/systemd/resolve/resolv.conf", "/etc/resolv.conf.new")
    os.rename("/etc/resolv.conf.new", "/etc/resolv.conf")
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        threading.Thread(target=answer_names, args=(server,), daemon=True).start()
        good("pull", "--insecure", IMAGE.replace(HOST, "registry.served.test:5000"))


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
