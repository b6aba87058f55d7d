# SPDX-License-Identifier: LGPL-2.1-or-later
"""Functions that integration tests share. They run in the test machine, as root, against the real service, bus, polkit,
journal and registry. A test is a function named test_…, its name the claim it checks."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tools"))
sys.dont_write_bytecode = True

HOST = "127.0.0.1:5000"
STATE = "/var/lib/berth"
WORKERS = "/usr/libexec/berth"
CONFIGURATION = "/etc/berth/berth.conf.d/test.conf"


class Result:
    def __init__(self, completed):
        self.status = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def __repr__(self):
        return f"status {self.status}\nout: {self.out}\nerr: {self.err}"


def run(*command, user=None, input=None, timeout=300, env=None):
    if user:
        command = ("runuser", "-u", user, "--") + command
    completed = subprocess.run(command, input=input, timeout=timeout, capture_output=True,
                               encoding="utf-8", errors="replace",
                               env={**os.environ, **(env or {})})
    return Result(completed)


def database_query(sql, *options):
    """Runs SQL in the service's database, and waits while the service has it locked. Returns what sqlite3 prints."""
    return run("sqlite3", *options, "-cmd", ".timeout 60000", f"{STATE}/berth.db", sql).out.strip()


def dist(*arguments, **more):
    return run("dist", *arguments, **more)


def good(*arguments, **more):
    """Runs dist, which must succeed; returns its standard output."""
    result = dist(*arguments, **more)
    assert result.status == 0, f"dist {' '.join(arguments)}: {result}"
    return result.out


def listing(*arguments, **more):
    return json.loads(good(*arguments, "--json=short", **more))


def busctl(*arguments, user=None):
    return run("busctl", *arguments, user=user)


def call(path, interface, member, *arguments, user=None):
    return busctl("call", "--", "org.berth1", path, interface, member,
                  *[argument for argument in arguments if argument != "--"], user=user)


def images_call(member, *arguments, user=None):
    return call("/org/berth1/images", "org.berth1.Images", member, *arguments, user=user)


def containers_call(member, *arguments, user=None):
    return call("/org/berth1/containers", "org.berth1.Containers", member, *arguments, user=user)


def send_as(user, code, *descriptors):
    """Starts Python code as a client of this user. The code can use bus and message(interface, member, body, files)."""
    program = ("import sys; from gi.repository import Gio, GLib\n"
               "bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)\n"
               "def message(interface, member, body, files=()):\n"
               "    made = Gio.DBusMessage.new_method_call('org.berth1', '/org/berth1/' + interface.lower(), 'org.berth1.' + interface, member)\n"
               "    made.set_body(body)\n"
               "    made.set_unix_fd_list(Gio.UnixFDList.new_from_array(list(files)))\n"
               "    return made\n" + code)
    return subprocess.Popen(["runuser", "-u", user, "--", "/usr/bin/python3", "-c", program], pass_fds=descriptors,
                            stdout=subprocess.PIPE, text=True)


def equal(found, expected, what=""):
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"


def contains(text, part):
    assert part in text, f"{part!r} is not in {text!r}"


def wait_until(condition, what, seconds=180):
    start = begin = time.monotonic()
    while begin < start + seconds:
        value = condition()
        if value:
            return value
        # Waits as long as the check took, so that a slow or emulated machine does not spend all its time on checks, and
        # longer between the checks of a long wait, most of which start processes.
        now = time.monotonic()
        time.sleep(max(0.02, min(now - begin, 1), min((now - start) / 20, 0.5)))
        begin = time.monotonic()
    raise AssertionError(f"timed out: {what}")


def service_pid():
    pid = run("systemctl", "show", "-P", "MainPID", "berthd.service").out.strip()
    return int(pid or 0)


def ask_the_bus(member):
    """Returns what a method of the bus says about the owner of org.berth1, or "" if there is none."""
    return run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member, "s",
               "org.berth1").out.strip()


def owner_of_the_name():
    return ask_the_bus("GetNameOwner")


def kill_service():
    """Kills the service with SIGKILL and waits until it has left the bus, since a call before that gets no reply."""
    pid = service_pid()
    if pid:
        # The unit's start rate limit is meant for a service that fails by itself.
        run("systemctl", "reset-failed", "berthd.service")
        with contextlib.suppress(ProcessLookupError):  # if it has just exited because it was idle
            os.kill(pid, 9)
        wait_until(lambda: service_pid() != pid, "the end of berthd")
        # It may have obtained the name after its process ID was read.
        wait_until(lambda: ask_the_bus("GetConnectionUnixProcessID") != f"u {pid}", "the end of its connection")


@contextlib.contextmanager
def service_settings(text, restart=True):
    """Adds lines to the [Service] section of berthd.service inside a with statement. They hold from the next start of
    the service on. With restart, the service restarts at the beginning and at the end; otherwise the caller ends it."""
    def load():
        run("systemctl", "daemon-reload")
        if restart:
            # The unit's start rate limit is meant for a service that fails by itself.
            run("systemctl", "reset-failed", "berthd.service")
            run("systemctl", "restart", "berthd.service")

    path = "/run/systemd/system/berthd.service.d/test.conf"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[Service]\n{text}")
    load()
    try:
        yield
    finally:
        os.unlink(path)
        load()


def open_files(pid):
    """Returns what the descriptors of a process refer to. It may close some meanwhile."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def polls(pid):
    """Whether a process waits for descriptors, as during a bus call: epoll_wait, epoll_pwait, ppoll (syscalls(2))."""
    try:
        with open(f"/proc/{pid}/syscall", encoding="utf-8") as file:
            return file.read().split()[0] in ("232", "281", "441", "271", "22", "73")
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_traced(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return "TracerPid:\t0\n" not in status.read()


MOST_SENDS = 6


@contextlib.contextmanager
def service_killed_at_send(number):
    """
    Kills the service at its n-th sendto(2), which it uses for journal entries and for the go-ahead to a new process.

    A start has fewer than MOST_SENDS of them, so trying each number hits every step.
    """
    run("systemctl", "reset-failed", "berthd.service")
    service_is_up()
    pid = service_pid()
    with subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", "trace=sendto",
                           "-e", f"inject=sendto:error=EPIPE:signal=KILL:when={number}"]) as tracer:
        try:
            wait_until(lambda: is_traced(pid), "strace to attach")
            yield
        finally:
            tracer.kill()


class HeldWorkers:
    """Inside a with statement, each worker of this kind that starts waits before it does anything. At the end, all
    continue."""

    def __init__(self, kind):
        self.program, self.real, self.gates = f"{WORKERS}/berth-{kind}", f"{WORKERS}/real-{kind}", f"{STATE}/held-{kind}"
        self.returned = set()

    def install(self, make):
        make(f"{self.program}.new")
        os.rename(f"{self.program}.new", self.program)

    def write_script(self, path):
        with open(path, "w", encoding="utf-8") as file:
            # The worker is process 1 of its own namespace, but /proc is the machine's. It may write only below STATE.
            file.write(f'#!/bin/sh\nread pid rest </proc/self/stat\nmkfifo {self.gates}/$pid\nread line <{self.gates}/$pid\n'
                       f'exec {self.real} "$@"\n')
        os.chmod(path, 0o755)

    def __enter__(self):
        os.mkdir(self.gates)
        os.link(self.program, self.real)
        self.install(self.write_script)
        return self

    def waiting(self):
        return run("pgrep", "-f", f"^/bin/sh {self.program}").out.split()

    def next(self):
        """Waits for another one, and returns its process ID."""
        pid = wait_until(lambda: set(os.listdir(self.gates)) - self.returned, f"another {self.program}").pop()
        self.returned.add(pid)
        return pid

    def release(self, pid):
        def is_released():
            with contextlib.suppress(OSError):  # if it has not opened it yet, or was killed
                with open(os.open(f"{self.gates}/{pid}", os.O_WRONLY | os.O_NONBLOCK), "w", encoding="ascii") as gate:
                    gate.write("\n")
            return pid not in self.waiting()
        wait_until(is_released, f"process {pid} to execute {self.real}")

    def release_all(self):
        for pid in os.listdir(self.gates):
            self.release(pid)
        return not self.waiting()

    def __exit__(self, *_):
        self.install(lambda path: os.link(self.real, path))
        wait_until(self.release_all, f"all {self.program} to continue")
        os.unlink(self.real)
        shutil.rmtree(self.gates)


def service_is_up():
    equal(dist("images", "-q").status, 0, "the service answers")


def configure(text):
    """Writes the tests' part of berth.conf."""
    os.makedirs(os.path.dirname(CONFIGURATION), exist_ok=True)
    with open(CONFIGURATION, "w", encoding="utf-8") as file:
        file.write(text)
    run("systemctl", "reload", "berthd.service")


def events(since=0):
    return [json.loads(line) for line in
            good("events", f"--since={since}", "--no-follow", "--json=short").splitlines()]


def kinds(name):
    """Returns the kinds of the events of a container and its processes."""
    return [event["kind"] for event in events() if event["id"] == name]


def image_digest(name):
    return [row["digest"] for row in listing("images") if row["name"] == name][0]


def blobs():
    return {row["digest"] for row in listing("content", "list")}


def bus_label(name):
    """Returns a name encoded for an object path, as by sd_bus_path_encode(3)."""
    return "".join(c if c.isascii() and c.isalnum() and (i or not c.isdigit()) else f"_{ord(c):02x}"
                   for i, c in enumerate(name))


def container_directories():
    """Returns the directories of containers, without those that are being deleted."""
    return sorted(name for name in os.listdir(f"{STATE}/containers") if not name.startswith("."))


def leftovers():
    """Returns the incomplete snapshots, which a failed pull must not leave."""
    names = os.listdir(f"{STATE}/snapshots")
    return [name for name in names if name.startswith(".new")]


def polkit_rule(text):
    path = "/etc/polkit-1/rules.d/00-berth-test.rules"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)
    # The start rate limit is meant for a service that fails by itself.
    run("systemctl", "reset-failed", "polkit.service")
    run("systemctl", "restart", "polkit.service")


def allow(user, condition):
    """Installs a rule that allows the user those actions of Berth that meet the condition, and no others."""
    polkit_rule(f"""polkit.addRule(function(action, subject) {{
        if (subject.user == "{user}" && ({condition}))
            return polkit.Result.YES;
    }});""")


def allow_only(user, *rights):
    """Installs a rule that grants the user these actions of Berth (such as "images.pull") and no others, not even those
    that everybody has."""
    polkit_rule(f"""polkit.addRule(function(action, subject) {{
        if (subject.user == "{user}" && action.id.indexOf("org.berth1.") == 0)
            return {json.dumps([f"org.berth1.{right}" for right in rights])}.indexOf(action.id) >= 0 ?
                polkit.Result.YES : polkit.Result.NO;
    }});""")


def make_network(name, subnet):
    """Creates a CNI network that publishes ports."""
    os.makedirs("/etc/cni/net.d", exist_ok=True)
    with open(f"/etc/cni/net.d/{name}.conflist", "w", encoding="utf-8") as file:
        json.dump({"cniVersion": "0.4.0", "name": name, "plugins": [
            {"type": "bridge", "bridge": f"cni-{name}", "isGateway": True, "ipMasq": False,
             "ipam": {"type": "host-local", "ranges": [[{"subnet": subnet}]],
                      "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}}]}, file)


def journal_cursor():
    """Returns the position after all entries that have been written to the journal so far."""
    run("journalctl", "--sync")
    return run("journalctl", "-n", "0", "--show-cursor", "-q").out.split("cursor: ")[1].strip()


def journal_entries(after, program):
    """Returns the fields of the entries that a program has written after a position in the journal. journalctl gets no
    matches: with --after-cursor it omits the first entry if the cursor's own entry does not match (systemd 252)."""
    run("journalctl", "--sync")
    out = run("journalctl", "-q", "-o", "json", "--all", f"--after-cursor={after}").out
    return [entry for entry in map(json.loads, out.splitlines()) if entry.get("_COMM") == program]


def journal_errors(text):
    """Programming errors that GLib finds only appear in the log; so do findings of sanitizers in the service and its
    workers (tools/check --sanitize)."""
    return [line for line in text.splitlines()
            if "assertion '" in line or "-CRITICAL" in line or "GLib-WARNING" in line or "runtime error: " in line or "ERROR: AddressSanitizer" in line
            or "ERROR: LeakSanitizer" in line]


def check_journal(number):
    errors = journal_errors(run("journalctl", "-b", "--no-pager", "-o", "cat", "-t", "berthd").out)
    print(f"{'not ok' if errors else 'ok'} {number} - no_assertion_failed", flush=True)
    for line in sorted(set(errors)):
        print(f"# {line}", flush=True)
    return 1 if errors else 0


def main(module):
    """Runs the module's tests in the order of their definition."""
    failures = 0
    tests = [(name, value) for name, value in vars(module).items() if name.startswith("test_")]
    chosen = sys.argv[1:]
    for number, (name, test) in enumerate(tests, 1):
        if chosen and name not in chosen:
            continue
        begin = time.monotonic()
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failures += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
        print(f"# {name} took {time.monotonic() - begin:.1f} s", flush=True)
    failures += check_journal(len(tests) + 1)
    if failures:
        journal = run("journalctl", "-b", "--no-pager", "-n", "60", "-u", "berthd").out
        for line in journal.splitlines():
            print(f"# journal: {line}")
    return 1 if failures else 0
