# SPDX-License-Identifier: LGPL-2.1-or-later
# Error messages of dist: one line with the facts and a hint, in the user's language.

import os
import pathlib
import re
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/errors/box:x"
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
GERMAN = {"LANG": "C.UTF-8", "LANGUAGE": "de"}


def says(*arguments, env=None, status=None, user=None):
    """Runs dist, which must fail, and returns its message, which must be a single line."""
    result = dist(*arguments, env=env, user=user)
    assert result.status != 0 and status in (None, result.status), (arguments, result.status)
    equal(len(result.err.strip().split("\n")), 1, result.err)
    return result.err.strip()


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    good("create", "--id=web", IMAGE)


def test_no_text_of_the_service_names_a_command():
    page = (SOURCE / "docs" / "errors.md").read_text(encoding="utf-8").split("## Messages")[1]
    equal(re.findall(r'.*(?:\bdist [a-z]+|[ "]--[a-z]).*', page), [])


def test_errors_have_a_hint():
    equal(says("export", "nothing", "-o", "/tmp/x"),
          'dist: there is no image "docker.io/library/nothing:latest" here; "dist pull" fetches it')
    equal(says("stop", "nothing"), 'dist: there is no container "nothing"; "dist ps -a" lists containers')
    contains(says("restore", "web"), '; "dist checkpoint web" makes one')
    bad = subprocess.run(["dist", "import"], input="no archive" * 1000, capture_output=True, text=True, check=False)
    equal(bad.returncode, 1)


def hostile_lines(*arguments):
    """The lines that dist writes about an image whose texts hold newlines and control characters: all but the first must
    show that they continue it."""
    result = dist(*arguments)
    assert result.status != 0 and "\x1b" not in result.err, result
    lines = result.err.rstrip("\n").split("\n")
    assert len(lines) > 1, result
    equal([line for line in lines if line.startswith(("dist: verified", "verified"))], [])
    return lines


def test_a_hostile_text_is_no_line_of_its_own():
    bad = "x\ndist: verified\n\x1b[32mverified\r\ndist: verified"
    oci.push(oci.busybox_image(Cmd=[f"/none{bad}"]), f"{HOST}/errors/command:x")
    oci.push(oci.busybox_image(Cmd=["true"], User="x\nverified"), f"{HOST}/errors/user:x")
    oci.push(oci.busybox_image(Cmd=["true"], WorkingDir=bad), f"{HOST}/errors/directory:x")
    layer = oci.Layer("gzip")
    layer.hard_link("link", bad)
    oci.push(oci.Image([layer], {}), f"{HOST}/errors/link:x")
    for name in ("command", "user", "directory"):
        lines = hostile_lines("run", "--rm", "--pull=always", "-q", f"{HOST}/errors/{name}:x")
        assert lines[0].startswith("dist: "), lines
    hostile_lines("-q", "pull", f"{HOST}/errors/link:x")
    for name in ("command", "user", "directory"):
        dist("rmi", f"{HOST}/errors/{name}:x")
    good("prune")


def test_every_hint_belongs_to_an_existing_message():
    hints = (SOURCE / "client" / "hints.c").read_text(encoding="utf-8")
    texts = re.findall(r'\{BERTH_ERROR_\w+,\s*"((?:[^"\\]|\\.)*)"', hints)
    page = (SOURCE / "docs" / "errors.md").read_text(encoding="utf-8").split("## Messages")[1]
    known = [re.escape(re.sub(r"%[-0-9.]*l?[a-z]", "\1", line.strip())).replace("\1", ".*") for line in page.splitlines() if line.strip()]
    assert len(texts) > 8, texts
    for text in texts:
        plain = re.sub(r"%[-0-9.]*[a-z]", "x", text)
        # These two messages come from the bus.
        if not text.startswith(("The name org.berth1", "Message recipient disconnected")):
            assert any(re.fullmatch(pattern, plain) for pattern in known), text


def test_an_invalid_name_is_reported_with_its_kind():
    """Names of all these objects follow one rule; the message has the kind of the object and the name."""
    for kind, interface, *arguments in (
            ("container id", "Containers", "Create", "ssa{sv}", "a@b", IMAGE, "0"), ("pod name", "Pods", "Create", "sa{sv}", "a@b", "0"),
            ("network name", "Networks", "Create", "sa{sv}", "a@b", "0"), ("volume name", "Volumes", "Create", "sa{sv}", "a@b", "0"),
            ("volume name", "Containers", "Create", "ssa{sv}", "mounts", IMAGE, "1", "Mounts", "a(ssas)", "1", "a@b", "/v", "0"),
            ("lease id", "Leases", "Create", "sa{sv}", "a@b", "0"), ("process id", "Containers", "Exec", "ssasa{sv}", "web", "a@b", "1", "true", "0")):
        result = call(f"/org/berth1/{interface.lower()}", f"org.berth1.{interface}", *arguments)
        equal(result.err.strip().removeprefix("Call failed: "), f'invalid {kind} "a@b": use [A-Za-z0-9][A-Za-z0-9_.-]*, up to 64')
    equal(says("volume", "create", "a@b", env=GERMAN), 'dist: ungültiger Name eines Volumes „a@b“: [A-Za-z0-9][A-Za-z0-9_.-]* verwenden, bis zu 64 Zeichen')


def test_in_german():
    equal(says("export", "nothing", "-o", "/tmp/x", env=GERMAN),
          "dist: es gibt hier kein Abbild „docker.io/library/nothing:latest“; „dist pull“ holt es")
    equal(says("stop", "nothing", env=GERMAN), "dist: es gibt keinen Container „nothing“; „dist ps -a“ listet Container auf")
    # The cause at the end of a message is translated, too, and so is a refusal.
    equal(says("pull", "a b", env=GERMAN),
          "dist: ungültige Referenz „docker.io/library/a b:latest“: sie enthält ein unzulässiges Zeichen")
    contains(says("run", "--rm", IMAGE, "no-such-command", env=GERMAN), "Befehl no-such-command: nicht im Abbild gefunden")
    contains(says("import", "/etc/passwd", env=GERMAN), "dist: dies ist kein gültiges tar-Archiv: ")
    equal(says("--no-ask-password", "pull", "a/b", env=GERMAN, user="alice"),
          "dist: Nicht erlaubt: images.pull braucht sudo oder eine Regel")
    equal(says("kil", "web", env=GERMAN), "dist: unbekanntes Verb „kil“; war „kill“ gemeint?")


def test_a_refusal_is_reported_once():
    for verb in (("run", "--rm", IMAGE), ("rm", "web"), ("exec", "web", "true")):
        line = says(*verb, user="alice")
        assert line.count("ermission denied") <= 1 and "the service left" not in line, line


def test_similar_names_are_suggested():
    equal(says("pul", "x"), 'dist: unknown verb "pul"; did you mean "pull"?')
    equal(says("run", "--netwrok=none", IMAGE, status=125), "dist: unknown option --netwrok; did you mean --network?")
    equal(says("content", "lst"), 'dist: unknown verb "content lst"; did you mean "content list"?')
    equal(says("image", "lss"), 'dist: unknown verb "image lss"; did you mean "image ls"?')
    contains(says("xyzzy"), 'see "dist --help"')
    equal(says("tag", "one"), "dist: tag: an argument is missing: NAME NEW…")


def test_help_describes_the_verb():
    text = good("run", "--help")
    contains(text, "Usage: dist run [OPTION…] IMAGE [COMMAND…]")
    contains(text, "Example:\n  dist run ")
    equal(good("help", "run"), text)
    contains(good("help", "content", "get"), "dist content get [OPTION…] DIGEST")
    contains(good("help"), "dist VERB --help")
    assert max(len(line) for line in good("--help").split("\n")) < 80


def test_pasted_options_have_a_hint():
    equal(good("run", "--rm=true", f"-eONE=1", "-w/tmp", IMAGE, "sh", "-c", "echo $ONE; pwd").split(), ["1", "/tmp"])
    contains(says("run", "--rm=perhaps", IMAGE, status=125), "--rm takes true or false")
    contains(says("stop", "--time=soon", "web"), "--time takes a number")
    contains(says("run", "--env", status=125), "--env needs a value")


def test_aliases():
    equal(good("image", "ls", "-q"), good("images", "-q"))
    equal(good("ls", "-a", "-q"), good("ps", "-a", "-q"))
    good("save", "-o", "/tmp/box.tar", IMAGE)
    equal(good("load", "/tmp/box.tar").strip(), IMAGE)
    contains(good("history", IMAGE), "CREATED BY")
    os.unlink("/tmp/box.tar")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
