# SPDX-License-Identifier: LGPL-2.1-or-later
# Fuzzes the bus as an unprivileged user. Members, signatures and option keys are taken from introspection/, and values
# are random. Whatever alice sends, the service neither exits nor stops answering root, root's objects do not change,
# and no reply reveals them.
#
#     soak-bus.py [SECONDS [SEED]]

import collections
import os
import random
import re
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from caller import Caller
import oci

IMAGE = f"{HOST}/fuzz/base:x"
SOURCE = os.path.join(os.path.dirname(__file__), "..", "..", "introspection")
SECRET = "onlyrootknows"
SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
CALLERS = 4
# Actions that a user may reasonably have; with the other actions, alice could change shared objects.
GRANTED = ["images.pull", "images.push", "contents.write", "containers.create", "containers.manage-own", "containers.exec"]

OPTION = re.compile(r"\b([A-Z]\w+) (s|b|t|u|i|h|as|ay|a\{ss\}|a\{sv\}|a\(ssas\)|a\(hsas\)|a\(sh\)|a\(st\))[\s,;.:()]")
STRINGS = ["", "caller", "rootsnetwork", "rootsvolume", "10.0.0.0/8", "fd00::/64", "roots", "hers", "hers2", "x" * 300, "x" * 200000, "../../etc/passwd", "/", "/etc", "/proc/self/fd/0", ".", "..", "a b",
           "\\n", "%s%n", "ü" * 50, "{}", "[" * 5000, '{"a":' * 2000, "sha256:" + "0" * 64, "sha256:" + "F" * 64, "sha512:00",
           IMAGE, f"{HOST}/fuzz/absent:x", f"{HOST}/fuzz/base", "127.0.0.1:1/x:y", "host", "none", "auto", "default", "unconfined",
           "berth.slice", "system.slice", "berth-user-4242.slice", "berth-a/b.slice", "no", "always", "on-failure", "SIGKILL", "9", "-1", "true",
           "80:80", "0:0/udp", "65536:1", "8080:80/tcp", "1-65535:1-65535", "CAP_SYS_ADMIN", "ALL", "linux/amd64", "linux/" + "a" * 1000,
           "/dev/null", "vendor.com/class=name", "tmpfs", "bind", "dev", "suid", "exec", "remount", "NAME=VALUE", "=", "0", "root", "0:0", "999999999"]
NUMBERS = {"t": [0, 1, 2, 4096, 2**31, 2**32, 2**63, 2**64 - 1], "u": [0, 1, 2**16, 2**31, 2**32 - 1],
           "i": [0, 1, 9, 15, -1, 64, 65, 2**31 - 1, -2**31]}
FILES = ["null", "read-pipe", "write-pipe", "memfd", "/etc/passwd", "/dev/zero", "directory:/etc", "directory:/home/alice", "path:/etc/passwd",
         "path:/", "/proc/self/mem", "/proc/self/status"]
PREFIX = {"t": "uint64 ", "u": "uint32 ", "i": "int32 "}
# Members of the standard interfaces that all objects have.
STANDARD = [("org.freedesktop.DBus.Properties", "Get", ["s", "s"]), ("org.freedesktop.DBus.Properties", "GetAll", ["s"]),
            ("org.freedesktop.DBus.Introspectable", "Introspect", []), ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects", [])]


def read_members():
    """Returns [(interface, method, types of its arguments)], {option: type}, and {method: its options}."""
    found, options, own = [], {}, {}
    for name in sorted(os.listdir(SOURCE)):
        if not name.endswith(".xml"):
            continue
        with open(f"{SOURCE}/{name}", encoding="utf-8") as file:
            text = file.read()
        options.update(OPTION.findall(text))
        for comment, method in re.findall(r"<!--((?:(?!-->).)*)-->\s*<method name=\"(\w+)\"", text, re.DOTALL):
            own[method] = sorted({*own.get(method, ()), *(name for name, _ in OPTION.findall(comment))})
        for interface in ElementTree.fromstring(text).iter("interface"):
            for method in interface.findall("method"):
                found.append((interface.get("name"), method.get("name"),
                              [a.get("type") for a in method.findall("arg") if a.get("direction") != "out"]))
    # Each standard member is called as often as a member of Berth.
    return found + STANDARD * 3, options, own


MEMBERS, OPTIONS, OWN_OPTIONS = read_members()


PATHS = {
    "Manager": [""],
    **{name: ["/" + name.lower()] for name in ("Images", "Contents", "Leases", "Volumes", "Networks", "Containers", "Pods", "Transfers")},
    "Container": ["/containers/" + name for name in ("hers", "roots", "absent", "_2e_2e")],
    "Image": ["/images/" + bus_label(name) for name in (IMAGE, f"{HOST}/fuzz/absent:x", "..")],
    "Volume": ["/volumes/" + name for name in ("hersvolume", "rootsvolume", "absent")],
    "Pod": ["/pods/" + name for name in ("herspod", "rootspod", "absent")],
    "Network": ["/networks/" + name for name in ("rootsnetwork", "host", "absent")],
    "Transfer": [f"/transfers/{number}" for number in range(1, 40)],
}


class Maker:
    """Makes random values of any type, in GVariant text format."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.member = ""
        self.files = []

    def string(self):
        value = self.random.choice(STRINGS)
        if self.random.random() < 0.1:
            value += self.random.choice(STRINGS)[:100]
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def handle(self):
        self.files.append(self.random.choice(FILES))
        return f"handle {len(self.files) - 1}"

    def many(self, make, kind):
        count = self.random.choice([0, 0, 1, 1, 2, 5, 50])
        return f"@{kind} [" + ", ".join(make() for _ in range(count)) + "]"

    def pair(self):
        return f"{self.string()}: {self.string()}"

    def value(self, kind):
        if kind == "s":
            return self.string()
        if kind == "b":
            return self.random.choice(["true", "false"])
        if kind in NUMBERS:
            return PREFIX[kind] + str(self.random.choice(NUMBERS[kind]))
        if kind == "h":
            return self.handle()
        if kind == "as":
            return self.many(self.string, "as")
        if kind == "a{ss}":
            keys = {self.string(): self.string() for _ in range(self.random.choice([0, 1, 3]))}
            return "@a{ss} {" + ", ".join(f"{key}: {value}" for key, value in keys.items()) + "}"
        if kind == "a{sv}":
            return self.options()
        if kind == "ay":
            return "@ay [" + ", ".join(str(self.random.randrange(256)) for _ in range(self.random.choice([0, 1, 8, 5000]))) + "]"
        if kind in ("(sst)",):
            return f"({self.string()}, {self.string()}, {self.value('t')})"
        inner = kind[2:-1]
        return self.many(lambda: "(" + ", ".join(self.value(part) for part in re.findall(r"as|\w", inner)) + ")", kind)

    def options(self):
        # An unknown option is refused before anything else is checked.
        names = OWN_OPTIONS.get(self.member) if self.random.random() < 0.8 else None
        names = names or sorted(OPTIONS)
        chosen = self.random.sample(names, min(len(names), self.random.choice([0, 0, 1, 2, 4])))
        parts = []
        for name in chosen:
            kind = OPTIONS[name] if self.random.random() < 0.9 else self.random.choice(["s", "b", "t", "as"])
            parts.append(f"'{name}': <{self.value(kind)}>")
        return "@a{sv} {" + ", ".join(parts) + "}"

    def path(self, name):
        """Returns the path of an object with this interface, or of any object for a standard interface."""
        if name not in PATHS:
            name = self.random.choice(sorted(PATHS))
        objects = PATHS[name]
        return "/org/berth1" + self.random.choice(objects)

    def request(self):
        self.files = []
        interface, member, kinds = self.random.choice(MEMBERS)
        self.member = member
        path = self.path(interface.split(".")[-1])
        values = [self.value(kind) for kind in kinds]
        text = "(" + ", ".join(values) + ("," if len(values) == 1 else "") + ")"
        return path, interface, member, text, "(" + "".join(kinds) + ")", list(self.files)


def prepare():
    oci.push(oci.busybox_image(Cmd=["sleep", "100000"]), IMAGE)
    good("pull", IMAGE)
    with open("/run/fuzz-secret", "w", encoding="utf-8") as file:
        file.write(SECRET)
    good("network", "create", "rootsnetwork")
    good("run", "-d", "--id=roots", f"--label=note={SECRET}", f"--env=NOTE={SECRET}", "--secret=note=/run/fuzz-secret",
         "-v", "rootsvolume:/v", IMAGE)
    names = ", ".join(f'"org.berth1.{action}"' for action in GRANTED)
    polkit_rule(f"""polkit.addRule(function(action, subject) {{
        if (action.id.indexOf("org.berth1.") != 0 || subject.user != "alice")
            return polkit.Result.NOT_HANDLED;
        return [{names}].indexOf(action.id) >= 0 ? polkit.Result.YES : polkit.Result.NO;
    }});""")
    good("run", "-d", "--id=hers", "-v", "hersvolume:/v", IMAGE, user="alice")


class Fuzzer(threading.Thread):
    def __init__(self, number, end):
        super().__init__(daemon=True)
        self.maker = Maker(f"{SEED}-{number}")
        self.end = end
        self.calls = 0
        self.outcomes = collections.Counter()
        self.problems = []

    def run(self):
        alice = Caller("alice")
        while time.monotonic() < self.end and not self.problems:
            request = self.maker.request()
            reply = alice.call(*request, timeout_ms=1500)
            self.calls += 1
            self.outcomes[reply.get("error", "good")] += 1
            if SECRET in str(reply):
                self.problems.append(f"data of root revealed: {request} {reply}")
            if reply.get("error") == "g-io-error-quark" and "closed" in reply["message"]:
                # The bus has disconnected alice, for example because of a message that exceeds its limits.
                alice.end()
                alice = Caller("alice")
            if reply.get("error", "").endswith(("NoReply", "ServiceUnknown", "Disconnected")):
                self.problems.append(f"the service went at {request} {reply}"[:2000])
        alice.end()


def check_root(pid, problems):
    if service_pid() != pid:
        problems.append("the service ended")
    rows = listing("info", "roots")
    if rows[0]["state"] != "running":
        problems.append(f"root's container is {rows[0]}")
    for kind, name in (("volume", "rootsvolume"), ("network", "rootsnetwork")):
        if name not in [row["name"] for row in listing(kind, "ls")]:
            problems.append(f"root's {kind} is gone")


def soak():
    prepare()
    good("images", "-q")
    pid = service_pid()
    problems = []
    end = time.monotonic() + SECONDS
    fuzzers = [Fuzzer(number, end) for number in range(CALLERS)]
    for fuzzer in fuzzers:
        fuzzer.start()
    while any(fuzzer.is_alive() for fuzzer in fuzzers):
        check_root(pid, problems)
        fuzzers[0].join(1)
        if problems or any(fuzzer.problems for fuzzer in fuzzers):
            for fuzzer in fuzzers:
                fuzzer.end = 0
    check_root(pid, problems)
    for fuzzer in fuzzers:
        problems += fuzzer.problems
    outcomes = sum((fuzzer.outcomes for fuzzer in fuzzers), collections.Counter())
    print(f"# seed {SEED}: {outcomes.most_common(30)}")
    assert outcomes["good"], "nothing succeeded: nothing was tested"
    assert not problems, "\n".join(problems)


def main_soak():
    failures = 0
    try:
        soak()
        print("ok 1 - an_unprivileged_user_harms_nobody")
    except AssertionError as error:
        failures = 1
        print(f"not ok 1 - an_unprivileged_user_harms_nobody (seed {SEED})")
        for line in str(error).splitlines():
            print(f"# {line}"[:2000])
    failures += check_journal(2)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main_soak())
