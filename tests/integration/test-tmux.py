# SPDX-License-Identifier: LGPL-2.1-or-later
# The first hour of three users in tmux, with 80 columns and 24 rows: a member of the group berth with the example rule,
# an administrator, and a user without a rule. No line wraps, and the prompt is at the beginning of a line after each
# command.
# machine: package tmux
# machine: package libevent-core-2.1-7
# machine: package libutempter0

import os
import shutil
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BOX = f"{HOST}/box:x"
LARGE = f"{HOST}/first/large:x"
PACKAGES = os.environ["BERTH_BUILD"] + "/packages"
LIBRARIES = ":".join(f"{PACKAGES}/{name}/usr/lib/{os.uname().machine}-linux-gnu" for name in ("libevent-core-2.1-7", "libutempter0"))
RULE = "/usr/share/doc/berth/examples/polkit/50-berth-group.rules"


class Person:
    """A shell of a user in a tmux of the user's own."""

    def __init__(self, user):
        self.user = user
        self.prompts = 0
        self.tmux("-f/dev/null", "new-session", "-d", "-x80", "-y24", "env PS1='$ ' TERM=screen bash --norc --noprofile")
        self.await_prompt()

    def tmux(self, *words):
        result = run("env", f"LD_LIBRARY_PATH={LIBRARIES}", f"{PACKAGES}/tmux/usr/bin/tmux", "-u", "-S", f"/tmp/tmux-{self.user}", *words,
                     user=None if self.user == "root" else self.user)
        equal(result.status, 0, f"tmux {words}: {result}")
        return result.out

    def lines(self, *options):
        """Returns the lines of the screen and its history, without the empty lines at the end."""
        return self.tmux("capture-pane", "-p", "-S-", *options).rstrip().split("\n")

    def text(self):
        return "\n".join(self.lines())

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)
        self.tmux("send-keys", "Enter")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def await_text(self, text):
        wait_until(lambda: text in self.text(), f"{text!r} for {self.user}")

    def await_prompt(self):
        """Waits until the last line is a prompt that was not there before."""
        def came():
            lines = [line.rstrip() for line in self.lines()]
            return lines[-1] == "$" and sum(line.startswith("$") for line in lines) > self.prompts
        try:
            wait_until(came, "the prompt")
        except AssertionError as error:
            raise AssertionError(f"no clean prompt for {self.user}:\n{self.text()}") from error
        self.prompts += 1

    def does(self, command):
        """Runs a command and returns its output."""
        before = len(self.lines())
        self.type(command)
        self.await_prompt()
        return "\n".join(line.rstrip() for line in self.lines()[before:-1])

    def leave(self):
        equal([line for line in self.lines("-J") if len(line.rstrip()) > 80], [], f"lines that wrap for {self.user}")
        equal(self.does("stty -a | tr ' ' '\\n' | grep -cxE 'icanon|echo'"), "2", "the terminal's settings")
        self.tmux("kill-server")


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), BOX)
    layers = [oci.Layer("gzip") for n in range(8)]
    for layer in layers:
        layer.add("file", os.urandom(1024 * 1024), mode=0o644)
    oci.push(oci.Image(layers, {}), LARGE)
    shutil.copy(RULE, "/etc/polkit-1/rules.d/50-berth.rules")
    equal(run("usermod", "-aG", "berth", "alice").status, 0)
    equal(run("useradd", "--create-home", "bob").status, 0)
    run("systemctl", "restart", "polkit.service")


def test_a_member():
    alice = Person("alice")
    alice.does(f"dist pull {LARGE}")
    equal(alice.does(f"dist run --rm {BOX} echo hello").split("\n")[-1], "hello")
    alice.does(f"dist run -d --name=web {BOX} sh -c 'echo tick; sleep 999'")
    contains(alice.does("dist ps"), "web")
    contains(alice.does("dist ps -a --no-trunc --format=id,state"), "running")
    for name in ("/box", "first/large"):
        contains(alice.does("dist images"), name)
    alice.type("dist logs -f web")
    wait_until(lambda: alice.lines()[-1] == "tick", "the output")
    alice.press("C-c")
    alice.await_prompt()
    contains(alice.does("dist imagse"), "images")
    contains(alice.does("dist run --nmae=x box"), "--name")
    for command in ("dist", "dist --help", "dist run --help", "dist info web", "dist network ls", "dist nosuch", "dist run -d --name=web " + BOX,
                    f"dist run --rm --privileged {BOX} true", "dist rm nobody", "dist logs nobody", "dist exec web nosuch",
                    f"dist pull {HOST}/first/nobody:x", "dist pull registry.example.invalid/x", "dist inspect 'a b'", f"dist create --name='a b' {BOX}",
                    "dist prune", "dist version"):
        alice.does(command.replace("dist ", "dist --no-ask-password ", 1))
    alice.type(f"dist run -it --name=shell {BOX} sh")
    alice.await_text("/ #")
    alice.type("echo in-$((40 + 2))")
    alice.await_text("in-42")
    alice.press("C-p", "C-q")
    alice.await_prompt()
    contains(alice.does("dist ps"), "shell")
    alice.type("dist attach shell")
    wait_until(lambda: alice.tmux("display-message", "-p", "#{pane_current_command}") == "dist\n", "the client")
    alice.type("exit 3")
    alice.await_prompt()
    equal(alice.does("echo $?"), "3")
    alice.leave()


def test_an_administrator():
    root = Person("root")
    contains(root.does("dist ps"), "web")
    for command in ("dist audit | tail -n 5", "dist audit", "dist df", "dist system info", "dist network ls", "dist transfers", "dist events --no-follow | tail",
                    "dist info web", "dist stats --no-stream"):
        root.does(command)
    root.does("dist stop -t 0 web")
    contains(root.does("dist ps -a"), "exited")
    root.leave()


def test_a_user_without_a_rule():
    bob = Person("bob")
    for command in ("ps -a", "images", f"run --rm {BOX} true", "logs web", "rm web", "audit", f"pull {BOX}", "network create x"):
        assert "tick" not in bob.does(f"dist --no-ask-password {command}")
    assert "web" in good("ps", "-aq").split()
    bob.leave()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
