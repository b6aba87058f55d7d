# SPDX-License-Identifier: LGPL-2.1-or-later
# An unprivileged user at a terminal. polkit's agent asks for an administrator's password once per operation, and the
# answer is valid only for that operation.

import fcntl
import json
import os
import re
import sys
import termios
import time
from xml.etree import ElementTree

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from terminal import Terminal

IMAGE = f"{HOST}/agent/base:x"
OTHER = f"{HOST}/agent/other:x"
PASSWORD = "correct horse"
PROMPT = "Password: "


# If the session leader exits first, the kernel sends SIGHUP to the agent, which then does not restore the terminal.
# Therefore the leader is a shell that survives Ctrl-C, as for a real user.
SHELL = 'trap : INT; "$@"; status=$?; while pgrep -x pkttyagent >/dev/null; do sleep 0.02; done; exit $status'


class Person(Terminal):
    """Runs dist or another command as alice, in a session with a terminal of its own."""

    def __init__(self, *arguments, command=("dist",), language="C.UTF-8"):
        super().__init__("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--",
                         "bash", "-c", SHELL, "bash", *command, *arguments, owner=(4242, 5),
                         env={**os.environ, "HOME": "/home/alice", "USER": "alice", "TERM": "xterm", "LANG": language},
                         preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def echoes(self):
        return bool(self.settings()[3] & termios.ECHO)

    def answer(self, text):
        """Waits until the agent has printed its prompt and disabled echo, then types a text."""
        asked = self.text.count(PROMPT)
        end = time.monotonic() + 60
        while self.text.count(PROMPT) == asked or self.echoes():
            assert time.monotonic() < end and self.process.poll() is None, self.text
            self.read_some(0.05)
        self.type(text)

    def finish(self):
        end = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < end, self.text
            self.read_some(0.05)
        while self.read_some(0):
            pass
        # The agent may need a moment longer to end.
        wait_until(lambda: self.settings() == self.before, "the terminal as it was")
        wait_until(lambda: run("pgrep", "-x", "pkttyagent").out == "", "the end of the agent")
        self.close()
        assert PASSWORD not in self.text, self.text
        return self.process.returncode

    def asked(self):
        return self.text.count(PROMPT)


def act(*arguments):
    """Runs dist and types the right password at its first prompt; returns the terminal's output."""
    person = Person(*arguments)
    person.answer(PASSWORD + "\n")
    status = person.finish()
    equal((status, person.asked()), (0, 1), person.text)
    return person.text


def names():
    return sorted(row["name"] for row in listing("images"))


def test_setup():
    equal(run("chpasswd", input=f"root:{PASSWORD}\n").status, 0)
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    good("tag", IMAGE, OTHER)


def test_run_asks_once():
    text = act("run", "--rm", IMAGE, "echo", "it", "ran")
    contains(text, "it ran")
    contains(text, "org.berth1.containers.create")
    equal(listing("ps", "-a"), [])


def test_a_run_of_an_absent_image_asks_for_no_password():
    """If Create fails since the image is absent, the calls that dist sent with it cause no prompt, even if they arrive late."""
    good("rmi", IMAGE)
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (/images.(inspect|pull)$|containers.(create|manage-own)$/.test(action.id) && subject.user == "alice")
            return polkit.Result.YES;
    });""")
    person = Person("run", "--rm", IMAGE, "echo", "it", "ran",
                    command=("strace", "-o", "/dev/null", "-e", "inject=sendmsg:delay_enter=300000", "dist"))
    equal((person.finish(), person.asked()), (0, 0), person.text)
    contains(person.text, "it ran")
    polkit_rule("")


def test_a_call_and_its_privileges_are_one_question():
    text = act("run", "--rm", "--network=host", IMAGE, "echo", "it", "ran")
    contains(text, "it ran")
    contains(text, "org.berth1.containers.create-privileged")


def test_export_of_several_asks_once():
    act("export", IMAGE, OTHER, "-o", "/home/alice/both.tar")
    assert os.path.getsize("/home/alice/both.tar") > 0


def test_import_of_several_names_asks_once():
    good("rmi", IMAGE, OTHER)
    text = act("import", "/home/alice/both.tar")
    contains(text, "with all names in it")
    equal(names(), [IMAGE, OTHER])


def test_a_rule_still_refuses_a_name_of_an_archive():
    good("rmi", IMAGE, OTHER)
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.images.manage" && action.lookup("image") == "%s")
            return polkit.Result.NO;
    });""" % OTHER)
    person = Person("import", "/home/alice/both.tar")
    person.answer(PASSWORD + "\n")
    status = person.finish()
    equal((status, person.asked()), (1, 1), person.text)
    contains(person.text, "the names in the archive cannot be set")
    equal(names(), [])
    polkit_rule("")


def test_a_lease_of_several_digests_asks_once():
    good("pull", IMAGE)
    digests = [row["digest"] for row in listing("content", "list")][:2]
    equal(len(digests), 2)
    allow("alice", 'action.id == "org.berth1.contents.read" || action.id == "org.berth1.containers.inspect"')
    leases = ("/org/berth1/leases", "org.berth1.Leases")
    # The lease belongs to root. polkit does not keep an authorization for it, so a second question would show a prompt.
    equal(call(*leases, "Create", "sa{sv}", "roots", "0").status, 0)
    person = Person("org.berth1", *leases, "Add", "sasa{sv}", "roots", "2", *digests, "0",
                    command=("bash", "-c", 'coproc pkttyagent --process $$ --notify-fd 1; read -ru "${COPROC[0]}"; '
                             '(while kill -0 $$; do sleep 0.02; done 2>/dev/null; kill "$COPROC_PID") & '
                             'exec busctl --allow-interactive-authorization=yes call "$@"', "busctl"))
    person.answer(PASSWORD + "\n")
    status = person.finish()
    equal((status, person.asked()), (0, 1), person.text)
    for digest in digests:
        contains(call(*leases, "List", "a{sv}", "0").out, digest)
    equal(call(*leases, "Delete", "sa{sv}", "roots", "0").status, 0)
    polkit_rule("")


def test_unpack_alone_is_asked_about_as_unpack():
    contains(act("unpack", IMAGE), f"required to unpack the container image {IMAGE}.")


def test_rmi_of_several_asks_once():
    good("tag", IMAGE, OTHER)
    person = Person("rmi", IMAGE, "nothere.example/x:1", OTHER)
    person.answer(PASSWORD + "\n")
    equal((person.finish(), person.asked()), (1, 1), person.text)
    contains(person.text, 'there is no image "nothere.example/x:1" here')
    equal(names(), [])


def test_a_rule_still_refuses_a_name_of_several():
    """If a rule refuses one of several names, no image is removed, and no password is asked for."""
    good("pull", IMAGE)
    good("tag", IMAGE, OTHER)
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.images.manage" && action.lookup("image") == "%s")
            return polkit.Result.NO;
    });""" % OTHER)
    person = Person("rmi", IMAGE, OTHER)
    equal((person.finish(), person.asked()), (1, 0), person.text)
    equal(names(), [IMAGE, OTHER])
    polkit_rule("")
    good("rmi", OTHER)


def test_more_names_than_polkit_is_asked_about_at_once():
    """A rule that refuses the last image refuses all of them; without it, there is one prompt."""
    many = [f"nothere.example/x:{number}" for number in range(70)]
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.images.manage" && action.lookup("image") == "%s")
            return polkit.Result.NO;
    });""" % IMAGE)
    person = Person("rmi", *many, IMAGE)
    equal((person.finish(), person.asked()), (1, 0), person.text)
    equal(IMAGE in names(), True)
    polkit_rule("")
    person = Person("rmi", *many, IMAGE)
    person.answer(PASSWORD + "\n")
    equal((person.finish(), person.asked()), (1, 1), person.text)
    equal(IMAGE in names(), False)
    good("pull", IMAGE)


def test_a_renaming_asks_once():
    act("tag", "--move", IMAGE, OTHER)
    equal(names(), [OTHER])
    good("tag", "--move", OTHER, IMAGE)


def test_a_commit_of_ones_own_container_asks_once():
    allow("alice", 'action.id == "org.berth1.containers.create"')
    good("create", "--id=hers", IMAGE, "true", user="alice")
    polkit_rule("")
    contains(act("commit", "hers", OTHER), f"required to commit the container hers as the image {OTHER}.")
    equal(names(), [IMAGE, OTHER])
    good("rmi", OTHER)
    # A rule about the container can still refuse it.
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.containers.manage-own" && action.lookup("container") == "hers")
            return polkit.Result.NO;
    });""")
    person = Person("commit", "hers", OTHER)
    person.answer(PASSWORD + "\n")
    equal((person.finish(), person.asked(), names()), (1, 1, [IMAGE]), person.text)
    polkit_rule("")
    good("rm", "hers")


def test_the_object_of_another_is_asked_about_once():
    """Authentication for an action on another user's object is requested once, and includes permission to see the
    object. The question is the same for an object that does not exist."""
    good("create", "--id=roots", IMAGE, "true")
    missing = Person("rm", "missing")
    missing.answer(PASSWORD + "\n")
    equal((missing.finish(), missing.asked()), (1, 1), missing.text)
    contains(missing.text, 'there is no container "missing"')
    refused = Person("rm", "roots")
    refused.answer("wrong\n")
    equal((refused.finish(), refused.asked()), (1, 1), refused.text)
    contains(refused.text, 'there is no container "roots"')
    question = lambda text, name: text[:text.index(PROMPT)].replace(name, "NAME")
    equal(question(missing.text, "missing"), question(refused.text, "roots"))
    text = act("rm", "roots")
    contains(text, "org.berth1.containers.manage")
    equal(listing("ps", "-a"), [])


def test_managing_anothers_container_is_asked_about_after_other_questions():
    """Authorization for the image does not replace authorization to manage the container."""
    good("create", "--id=roots", IMAGE, "true")
    person = Person("commit", "roots", OTHER)
    for _ in range(2):
        person.answer(PASSWORD + "\n")
    equal((person.finish(), person.asked()), (0, 2), person.text)
    contains(person.text, "org.berth1.containers.manage")
    contains(person.text, "org.berth1.images.manage")
    good("rm", "roots")
    good("rmi", OTHER)


def test_a_wrong_password_is_refused():
    good("pull", IMAGE)
    person = Person("rmi", IMAGE)
    person.answer("wrong\n")
    status = person.finish()
    equal((status, person.asked()), (1, 1), person.text)
    contains(person.text, "Permission denied: images.manage; see berth-polkit(7)")
    equal(names(), [IMAGE])


def test_the_agent_asks_in_the_users_language():
    """polkit chooses the translation of an action's message by the agent's $LANG, whose locale need not be
    installed."""
    good("tag", IMAGE, OTHER)
    for arguments, message in ((("rmi", OTHER), f"Um das Container-Abbild {OTHER} zu ändern, ist eine Anmeldung nötig."),
                               (("run", "--rm", "--pid=host", IMAGE, "true"), "diese Sonderrechte zu geben, ist eine Anmeldung nötig: host-pid")):
        person = Person(*arguments, language="de_DE.UTF-8")
        person.answer(PASSWORD + "\n")
        equal((person.finish(), person.asked()), (0, 1), person.text)
        contains(" ".join(person.text.split()), message)
    policy = ElementTree.parse("/usr/share/polkit-1/actions/org.berth1.policy").getroot()
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    actions = policy.findall("action")
    assert len(actions) >= 17, actions
    for action in actions:
        for kind in ("description", "message"):
            texts = {element.get(lang): element.text for element in action.findall(kind)}
            equal(set(texts), {None, "de"}, action.get("id"))
            # A rule and the user see the same details.
            equal(sorted(re.findall(r"\$\(\w+\)", texts[None])), sorted(re.findall(r"\$\(\w+\)", texts["de"])), action.get("id"))


# An agent like that of a desktop, which is registered on the bus for the process of a command. It prints the action and
# the message that it would show, and cancels the authentication.
AGENT = r"""
import json, subprocess, sys
from gi.repository import Gio, GLib
PATH, AUTHORITY = "/agent", ("org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority")
NODE = Gio.DBusNodeInfo.new_for_xml('<node><interface name="org.freedesktop.PolicyKit1.AuthenticationAgent"><method name="BeginAuthentication">'
    '<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="a{ss}" direction="in"/>'
    '<arg type="s" direction="in"/><arg type="a(sa{sv})" direction="in"/></method><method name="CancelAuthentication">'
    '<arg type="s" direction="in"/></method></interface></node>')
def called(connection, sender, path, interface, member, parameters, invocation):
    print(json.dumps(parameters.unpack()[:2]), flush=True)
    invocation.return_dbus_error("org.freedesktop.PolicyKit1.Error.Cancelled", "no")
bus, loop = Gio.bus_get_sync(Gio.BusType.SYSTEM, None), GLib.MainLoop()
bus.register_object(PATH, NODE.interfaces[0], called, None, None)
child = subprocess.Popen(["sh", "-c", 'read go; exec "$@" </dev/null >/dev/null 2>&1', "sh", *sys.argv[2:]], stdin=subprocess.PIPE)
with open(f"/proc/{child.pid}/stat") as file:
    started = int(file.read().rsplit(")", 1)[1].split()[19])
subject = ("unix-process", {"pid": GLib.Variant("u", child.pid), "start-time": GLib.Variant("t", started)})
bus.call_sync(*AUTHORITY, "RegisterAuthenticationAgent", GLib.Variant("((sa{sv})ss)", (subject, sys.argv[1], PATH)), None, 0, -1, None)
GLib.child_watch_add(GLib.PRIORITY_LOW, child.pid, lambda *_: loop.quit())
child.stdin.write(b"go\n")
child.stdin.close()
loop.run()
"""


def shown(language, *arguments):
    """Returns the actions and messages that a desktop's agent receives while alice runs a command."""
    result = run("/usr/bin/python3", "-c", AGENT, language, "dist", *arguments, user="alice")
    equal(result.status, 0, result)
    return [json.loads(line) for line in result.out.splitlines()]


def test_a_desktops_agent_shows_what_is_asked():
    """polkitd passes no details to the agent, so the message contains all that the user needs to know."""
    third = f"{HOST}/agent/third:x"
    good("create", "--name=roots", IMAGE, "true")
    for arguments, action, message, values in (
            (("create", "--name=new", "--network=host", IMAGE), "containers.create-privileged",
             f"give the container new of the image {IMAGE} these privileges: host-network.", ("new", IMAGE, "host-network")),
            (("create", "--name=new", IMAGE), "containers.create", f"create a container of the image {IMAGE}.", (IMAGE,)),
            (("rm", "roots"), "containers.manage", "manage the container roots of another user.", ("roots",)),
            (("pull", third), "images.pull", f"pull the container image {third}.", (third,)),
            (("rmi", IMAGE), "images.manage", f"change the container image {IMAGE}.", (IMAGE,))):
        equal(shown("C.UTF-8", *arguments), [[f"org.berth1.{action}", f"Authentication is required to {message}"]])
        [[asked, german]] = shown("de_DE.UTF-8", *arguments)
        equal(asked, f"org.berth1.{action}")
        for part in (*values, "ist eine Anmeldung nötig"):
            contains(german, part)
        assert "$(" not in german, german
    equal(names(), [IMAGE])
    good("rm", "roots")


def test_ctrl_c_at_the_prompt_leaves_nothing():
    for verb in (("run", "--rm", IMAGE, "true"), ("rmi", IMAGE), ("import", "/home/alice/both.tar")):
        person = Person(*verb)
        person.answer("\x03")
        assert person.finish() != 0, person.text
    equal(listing("ps", "-a"), [])
    equal(names(), [IMAGE])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
