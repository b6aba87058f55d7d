# SPDX-License-Identifier: LGPL-2.1-or-later
# What a new user of dist sees in the first hour, mostly at a terminal of 80 columns: tables, filters, messages, help,
# progress, logs and Ctrl-C.

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from terminal import Terminal

IMAGE = f"{HOST}/first/box-with-a-rather-long-name:x"
LARGE = f"{HOST}/first/large:x"


class Screen(Terminal):
    """Runs dist at a terminal with this number of columns; text is everything that dist has written to the terminal."""

    def __init__(self, columns, *arguments, rows=24, env=None):
        environment = {**os.environ, "TERM": "xterm", **(env or {})}
        environment.pop("COLUMNS", None)
        super().__init__("dist", *arguments, rows=rows, columns=columns, env=environment)
        self.close_slave()

    def read(self, until=None):
        """Reads until dist ends, or until the given text has appeared."""
        while until is None or until not in self.text:
            if not self.read_some(60):
                # dist must have exited, not merely been silent for a minute.
                assert self.process.wait(120) is not None, self.text
                break
        return self.text

    def finish(self):
        self.read()
        self.close()
        return self.process.wait(timeout=300)


def lines(text):
    """Returns the lines of a screen without control sequences."""
    return [line.rstrip("\r") for line in re.sub(r"\033\[[0-9;]*[A-Za-z]", "", text).split("\n")]


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    layers = [oci.Layer("gzip") for n in range(8)]
    for layer in layers:
        layer.add("file", os.urandom(1024 * 1024), mode=0o644)
    oci.push(oci.Image(layers, {}), LARGE)
    good("pull", IMAGE)
    good("run", "-d", "--name=web", IMAGE)
    good("create", "--name=made", IMAGE)
    dist("run", "--name=failed", IMAGE, "false")


def test_tables_fit_the_screen():
    for columns in (40, 80, 200):
        for verb in (("images",), ("ps", "-a"), ("volume", "ls"), ("df",), ("transfers",)):
            screen = Screen(columns, *verb)
            equal(screen.finish(), 0)
            assert max(map(len, lines(screen.text))) <= columns, (columns, screen.text)
    contains(lines(screen.text)[0], "TRANSFER")


def test_images():
    header, *rows = good("images").strip().split("\n")
    equal(header.split(), ["NAME", "TAG", "DIGEST", "CREATED", "SIZE"])
    name, rest = rows[0].split(None, 1)
    equal(name, IMAGE[:-2])
    assert re.fullmatch(r"x +[0-9a-f]{12} +\d+ seconds? ago +[\d.]+\s.?B|x +[0-9a-f]{12} +\d+ minutes? ago +[\d.]+\s.?B", rest), rest
    equal(good("images", "-q").strip(), IMAGE)
    [image] = json.loads(good("images", "--json"))
    contains(good("images", "--no-trunc"), image["digest"])
    assert image["size"] > 0 and image["name"] == IMAGE, image


def test_containers():
    text = good("ps", "-a")
    equal(text.split("\n")[0].split(), ["ID", "IMAGE", "COMMAND", "STATUS", "PORTS"])
    assert re.search(r"^web .* up \d+ (seconds?|minutes?)", text, re.MULTILINE), text
    assert re.search(r"^made .* created", text, re.MULTILINE), text
    assert re.search(r"^failed .* exited \(1\) \d+ (seconds?|minutes?) ago", text, re.MULTILINE), text
    assert re.search(r"^web .* läuft seit \d+ (Sekunden?|Minuten?)", good("ps", env={"LANG": "C.UTF-8", "LANGUAGE": "de"}), re.MULTILINE)


def test_formats():
    equal(good("ps", "-a", "--format={{.Id}}\\t{{.State}}", "--sort=id").split("\n")[:3], ["failed\tstopped", "made\tcreated", "web\trunning"])
    equal(good("ps", "-a", "--format=id,state", "--sort=-id", "--noheading").split(), ["web", "running", "made", "created", "failed", "stopped"])
    equal(good("ps", "--format=table {{.ID}}\\t{{.Image}}").split(), ["ID", "IMAGE", "web", IMAGE])
    equal(good("images", "--format={{.Repository}}:{{.Tag}}").strip(), IMAGE)
    equal([c["id"] for c in json.loads(good("ps", "--format=json"))], ["web"])
    for words in (("--format={{.Nothing}}",), ("--format=nothing",), ("--sort=nothing",)):
        result = dist("ps", *words)
        equal(result.status, 1)
        contains(result.err, "othing")


def filtered(verb, *filters):
    return good(*verb, *[f"--filter={text}" for text in filters]).split()


def test_filters():
    good("create", "--name=labelled", "--label=tier=web", "--label=x", IMAGE)
    ps = ("ps", "-aq")
    for filters, found in ((["name=e"], ["failed", "labelled", "made", "web"]), (["id=w"], ["web"]), (["label=tier"], ["labelled"]),
                           (["label=tier=web", "label=x"], ["labelled"]), (["label=tier=db"], []), (["status=exited"], ["failed"]),
                           (["status=created", "name=ma"], ["made"]), (["exited=1"], ["failed"]), (["exited=0"], []),
                           ([f"ancestor={IMAGE}"], ["failed", "labelled", "made", "web"]), (["ancestor=alpine"], []),
                           (["before=failed"], ["made", "web"]), (["since=made"], ["failed", "labelled"]), (["health=healthy"], []),
                           (["network=none"], []),
                           # As in podman, several values are alternatives, except for labels.
                           (["name=ma", "name=fai"], ["failed", "made"]), (["status=created", "status=exited"], ["failed", "labelled", "made"]),
                           (["status=created", "status=exited", "name=w", "name=fai"], ["failed"]), (["id=w", "id=ma"], ["made", "web"]),
                           (["exited=0", "exited=1", "exited=2"], ["failed"]), (["label=tier", "label=nothing"], []),
                           (["ancestor=alpine", f"ancestor={IMAGE}"], ["failed", "labelled", "made", "web"]),
                           (["before=failed", "before=made"], ["web"]), (["since=made", "since=failed"], ["failed", "labelled"])):
        equal(sorted(filtered(ps, *filters)), found, filters)
    equal(filtered(("ps", "-q"), "status=exited"), ["failed"])
    equal(filtered(("images", "-q"), "reference=first/box"), [IMAGE])
    equal(filtered(("images", "-q"), "reference=nothing", "reference=first/box"), [IMAGE])
    equal(filtered(("images", "-q"), "dangling=true"), [])
    equal(filtered(("images", "-q"), f"since={IMAGE}"), [])
    equal(filtered(("volume", "ls", "-q"), "name=none"), [])
    # A transfer is listed for a minute after its end.
    good("pull", IMAGE)
    equal({row["kind"] for row in json.loads(good("transfers", "--json", "--filter=kind=pull"))}, {"pull"})
    for words, part in ((("ps", "--filter=colour=red"), 'there is no filter "colour"; see --help'), (("ps", "-f", "name"), 'invalid value "name"'),
                        (("ps", "-f", "exited=x"), 'invalid value "exited=x"'), (("ps", "-f", "until=1h", "-f", "until=2h"), "until is given twice"),
                        (("ps", "-f", "before=nobody"), "nobody"), (("images", "x*", "-f", "reference=y"), "cannot be given together")):
        result = dist(*words)
        equal(result.status, 1, words)
        contains(result.err, part)
    good("rm", "labelled")


def test_filters_of_volumes():
    good("volume", "create", "spare")
    good("create", "--name=mounts", "-v", "kept:/data", IMAGE)
    equal(filtered(("ps", "-aq"), "volume=kept"), ["mounts"])
    equal(filtered(("ps", "-aq"), "volume=spare"), [])
    equal(filtered(("ps", "-aq"), "volume=spare", "volume=kept"), ["mounts"])
    equal(filtered(("volume", "ls", "-q"), "name=kep", "name=spa"), ["kept", "spare"])
    equal(filtered(("volume", "ls", "-q"), "dangling=true"), ["spare"])
    equal(filtered(("volume", "ls", "-q"), "dangling=false"), ["kept"])
    equal(filtered(("volume", "ls", "-q"), "dangling=true", "name=kept"), [])
    contains(dist("volume", "ls", "-f", "dangling=perhaps").err, 'invalid value "perhaps" of --filter dangling')
    equal(good("volume", "inspect", "--format={{.Name}} {{.Mountpoint}}", "kept"), "kept /var/lib/berth/volumes/kept\n")
    [volume] = json.loads(good("volume", "inspect", "kept"))
    equal((volume["name"], volume["owner"]), ("kept", 0))
    equal(dist("volume", "inspect", "nothing").err, 'dist: there is no volume "nothing"\n')
    good("rm", "mounts")
    equal(filtered(("volume", "ls", "-q"), "dangling=true"), ["kept", "spare"])
    good("volume", "rm", "kept", "spare")


def test_rm_stops_first():
    good("run", "-d", "--name=graceful", "-v", "kept:/data", IMAGE, "sh", "-c", "trap 'echo ended >/data/how; exit 0' TERM; touch /data/ready; while :; do sleep 0.1; done")
    wait_until(lambda: os.path.exists("/var/lib/berth/volumes/kept/ready"), "the trap is set")
    result = dist("rm", "-t", "5", "graceful")
    equal((result.status, result.err), (1, "dist: --time needs --force\n"))
    equal(good("rm", "-f", "-t", "60", "graceful").strip(), "graceful")
    with open("/var/lib/berth/volumes/kept/how", encoding="utf-8") as file:
        equal(file.read(), "ended\n")
    good("create", "--name=made2", IMAGE)
    good("rm", "-f", "-t5", "made2")
    good("rm", "-f", "-i", "-t5", "nobody")
    good("rm", "-f", "-t5", "nobody")
    equal(dist("rm", "nobody").status, 1)
    good("volume", "rm", "kept")


def test_mistakes_fit_one_line():
    """An error and a hint fit in one line of 80 columns, without repetition, in German as well."""
    good("run", "-d", "--name=net", "--network=berth", "-p", "18080:80", IMAGE)
    for words, english, german in (
            (("create", "--name=web", IMAGE), 'there is a container "web" already; "dist rm web" deletes it',
             "es gibt schon einen Container „web“; „dist rm web“ löscht ihn"),
            (("run", "--rm", "-v", "/none:/data", IMAGE), "/none does not exist; create it first", "/none gibt es nicht; zuerst anlegen"),
            (("run", "--rm", "--mount=type=tmfps,target=/x", IMAGE), "unknown type=tmfps; use bind, glob, volume, tmpfs, image, artifact, devpts",
             "type=tmfps unbekannt: bind, glob, volume, tmpfs, image, artifact, devpts"),
            (("run", "--rm", "--network=berth", "-p", "18080:80", IMAGE), 'port 18080/tcp is in use; "dist ps" lists ports',
             "der Port 18080/tcp ist belegt; „dist ps“ zeigt die Ports"),
            (("rmi", "nosuch:1"), 'there is no image "docker.io/library/nosuch:1" here', "es gibt hier kein Abbild „docker.io/library/nosuch:1“"),
            (("pull", f"{HOST}/no/such:1"), f"dist: the registry has no image {HOST}/no/such:1 (404)\n", f"die Registry hat kein Abbild {HOST}/no/such:1"),
            (("create", "--network=none", "-p", "18080:80", IMAGE), 'the port "18080:80" needs a network; name one with --network',
             "der Port „18080:80“ braucht ein Netzwerk; --network nennt eines"),
            (("run", "--rm", IMAGE, "-it", "sh"), "command -it: not found in the image; options must precede IMAGE",
             "Optionen stehen vor ABBILD"),
            (("update", "web", "Memory=1"), 'unknown property "Memory"; see systemd.resource-control(5)',
             "unbekannte Eigenschaft „Memory“; siehe systemd.resource-control(5)"),
            (("rm", "net"), 'container "net" is running; stop it first; "dist rm -f net" does both', "„dist rm -f net“ tut beides"),
            (("inspect", "nothing"), 'there is no image or container "nothing"', "es gibt kein Abbild und keinen Container „nothing“"),
            (("ps", "--filter=colour=red"), 'there is no filter "colour"; see --help', "es gibt keinen Filter „colour“; siehe --help"),
            (("ps", "--filter=name=none", "--format={{.Nothing}}"), 'unknown field "{{.Nothing}}"', "{{.Nothing}}"),
            (("imgaes",), 'unknown verb "imgaes"; did you mean "images"?', "unbekanntes Verb „imgaes“; war „images“ gemeint?"),
            (("run", "--nmae=x", IMAGE), "unknown option --nmae; did you mean --name?", "unbekannte Option --nmae; war --name gemeint?")):
        for text, env in ((english, {"LANG": "C.UTF-8"}), (german, {"LANG": "C.UTF-8", "LANGUAGE": "de"})):
            result = dist(*words, env=env)
            assert result.status != 0 and text in result.err, (words, text, result)
            # Names of registries are not shortened.
            assert len(result.err.replace(HOST, "")) <= 100, result.err
    good("rm", "-f", "net")


def test_a_terminal_without_input_ends():
    """If standard input is /dev/null or a file, as in a timer or a script, it ends as a terminal does after Ctrl-D."""
    equal(run("sh", "-c", f"dist run --rm -it {IMAGE} sh </dev/null").status, 0)
    with open("/tmp/first-hour-input", "w", encoding="utf-8") as file:
        file.write("echo it was $((6 * 7))\nexit 9\n")
    result = run("sh", "-c", f"dist run --rm -it {IMAGE} sh </tmp/first-hour-input")
    equal(result.status, 9)
    contains(result.out, "it was 42")
    os.unlink("/tmp/first-hour-input")


GERMAN = {"LANG": "C.UTF-8", "LANGUAGE": "de"}
LANGUAGES = ({"LANG": "C.UTF-8"}, GERMAN)


def every_verb():
    """Yields the words of each verb that --help lists, such as ("volume", "ls")."""
    yield ()
    for name in sorted(set(re.findall(r"^  ([a-z][a-z-]*)", good("--help"), re.MULTILINE))):
        yield (name,)
        for inner in sorted(set(re.findall(rf"^  {name} ([a-z][a-z-]*)", good(name, "--help"), re.MULTILINE))):
            yield name, inner


def sentences():
    """Returns the messages of at least three words that po/de.po translates."""
    def text(part):
        return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part)).replace('\\"', '"')

    page = (pathlib.Path(__file__).resolve().parent.parent.parent / "po" / "de.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid (".*"(?:\n".*")*)\nmsgstr (".*"(?:\n".*")*)$', page, re.MULTILINE)
    assert len(pairs) > 1000, len(pairs)
    return [text(msgid) for msgid, msgstr in pairs if text(msgid) != text(msgstr) and len(text(msgid).split()) >= 3]


def test_help_fits_the_screen_in_both_languages():
    english, verbs = sentences(), list(every_verb())
    assert len(verbs) > 90, verbs
    for words in verbs:
        shown = [good(*words, "--help", env={**language, "COLUMNS": "80"}) for language in LANGUAGES]
        equal([line for text in shown for line in text.split("\n") if len(line) > 80], [], words)
        flat = " ".join(shown[1].split())
        equal([sentence for sentence in english if sentence in flat], [], words)


def test_refusals_fit_a_line():
    """A refusal fits in one line, which names the action and a remedy, whether there is no rule or a rule that
    refuses."""
    polkit_rule('polkit.addRule(function(action) { if (action.id == "org.berth1.images.pull") return "no"; });')
    for words, english, german in (
            (("images",), "Permission denied: images.inspect needs sudo or a rule", "Nicht erlaubt: images.inspect braucht sudo oder eine Regel"),
            (("run", "--privileged", IMAGE), "Permission denied: containers.create-privileged needs sudo or a rule",
             "Nicht erlaubt: containers.create-privileged braucht sudo oder eine Regel"),
            (("pull", IMAGE), "Permission denied: images.pull; see berth-polkit(7)", "Nicht erlaubt: images.pull; siehe berth-polkit(7)")):
        for text, language in zip((english, german), LANGUAGES):
            result = dist("--no-ask-password", *words, user="alice", env=language)
            equal((result.status != 0, result.err), (True, f"dist: {text}\n"))
            assert len(result.err) <= 80, result.err
    polkit_rule("")


def test_stats_are_live():
    good("run", "-d", "--name=busy", IMAGE, "sh", "-c", "while :; do :; done")
    equal(good("stats", "--no-stream", "--noheading", "--format=id", "web", "busy").split(), ["web", "busy"])
    screen = Screen(80, "stats", env={"LANG": "C.UTF-8"})
    # On a machine with much else to do, it does not get a whole processor.
    while not re.search(r"busy +[1-9][0-9.]* % +[▁-█]+", screen.text):
        assert screen.read_some(60), screen.text
    os.kill(screen.process.pid, signal.SIGINT)
    screen.finish()
    assert max(map(len, lines(screen.text))) <= 80, screen.text
    # The screen is not erased before it is redrawn: the rest of each line is erased, and at the end everything below.
    first = screen.text.split("\033[H")[1]
    rows = first.removesuffix("\033[J").split("\r\n")
    equal((first.count("\033[J"), rows[-1]), (1, ""), screen.text)
    equal([row for row in rows[:-1] if row.count("\033[K") != 1 or len(lines(row)[0]) > 79], [], screen.text)
    contains(dist("stats", "nobody").err, "nobody")
    contains(dist("stats", "-i0").err, "--interval takes 1 to 3600 seconds")
    good("rm", "-f", "busy")


def check_listing(verb):
    """Checks that a listing has the same rows and fields with all of its options."""
    # Values that change between calls are not compared.
    moving = verb[0] in ("stats", "top", "df", "transfers", "system", "audit")
    run("journalctl", "--sync")  # its entries arrive late
    rows = json.loads(good(*verb, "--json=short"))
    assert isinstance(rows, list) and (rows or verb[0] == "history"), (verb, rows)
    keys = list(rows[0]) if rows else []
    for row in rows:
        equal(list(row), keys, verb)
    assert all(re.fullmatch("[a-z][a-zA-Z]*", key) for key in keys), (verb, keys)
    equal([list(row) for row in json.loads(good(*verb, "--json=pretty"))], [keys] * len(rows), verb)
    equal([list(row) for row in json.loads(good(*verb, "--format=json"))], [keys] * len(rows), verb)
    for key in keys:
        shown = good(*verb, f"--format={{{{.{key}}}}}").split("\n")[:-1]
        equal((verb, key, len(shown)), (verb, key, len(rows)))
        equal(good(*verb, f"--format={{{{.{key.upper()}}}}}", "--noheading").count("\n"), len(rows), verb)
        if not moving:
            equal([text for text, row in zip(shown, rows) if isinstance(row[key], str) and not key.endswith(("igest", "status")) and text != row[key]],
                  [], (verb, key))
        for sign in ("", "-"):
            equal(len(json.loads(good(*verb, "--json=short", f"--sort={sign}{key}"))), len(rows), (verb, key))
    if keys:
        lines = good(*verb, f"--format={keys[0]},{keys[-1]}", "--no-trunc").split("\n")[:-1]
        equal((verb, len(lines)), (verb, len(rows) + 1))
        equal(good(*verb, f"--format={keys[0]}", "--noheading").count("\n"), len(rows), verb)
    for words in (("--format=nothing",), ("--format={{.Nothing}}",), ("--sort=nothing",)):
        result = dist(*verb, *words)
        equal((verb, result.status, result.out), (verb, 1, ""))
        assert "othing" in result.err, (verb, result)
    if "inspect" not in verb:
        equal(good(*verb, "-q").count("\n") or verb[0] == "history", len(rows) or True, verb)


def test_every_listing_takes_the_same_options():
    """Every listing takes --json, --format, -q, --no-trunc, --sort and --noheading, and has the same fields with all of
    them."""
    good("lease", "create", "matrix")
    good("pod", "create", "several")
    good("volume", "create", "matrix")
    good("run", "-d", "--name=matrix", "--network=berth", "-p", "18090:80", IMAGE)
    # A start alone changes nothing that diff shows.
    good("exec", "matrix", "touch", "/made")
    good("pull", IMAGE)
    for verb in (("ps", "-a"), ("images",), ("volume", "ls"), ("network", "ls"), ("transfers",), ("df",), ("content", "ls"), ("lease", "list"), ("pod", "ps"),
                 ("top", "matrix"), ("stats", "--no-stream"), ("port", "matrix"), ("search", f"{HOST}/first"), ("history", IMAGE), ("system", "info"),
                 ("audit", "--until=now"), ("diff", "matrix"), ("resolve", IMAGE), ("version",), ("volume", "inspect", "matrix"), ("network", "inspect", "berth"), ("pod", "inspect", "several")):
        # A transfer that ended a minute ago is no longer listed, so the number of rows may change during the checks.
        for _ in range(8):
            before = listing(*verb) if verb[0] == "transfers" else None
            try:
                check_listing(verb)
                break
            except AssertionError:
                if not before or len(listing(*verb)) == len(before):
                    raise
        else:
            raise AssertionError(f"the number of rows of {verb} does not settle")
    for verb in (("ps",), ("images",), ("volume", "ls"), ("network", "ls"), ("pod", "ps"), ("transfers",)):
        equal(dist(*verb, "--filter=nothing=x").err, 'dist: there is no filter "nothing"; see --help\n', verb)
        good(*verb, f"--filter={'reference' if verb[0] == 'images' else 'kind' if verb[0] == 'transfers' else 'name'}=matrix")
    equal(good("network", "ls", "-q", "--filter=name=ert", "--filter=driver=bridge"), "berth\n")
    equal(good("network", "ls", "-q", "--filter=label=none"), "")
    good("rm", "-f", "matrix")
    good("pod", "rm", "several")
    good("volume", "rm", "matrix")
    good("lease", "rm", "matrix")


def test_prune_asks():
    good("volume", "create", "used", "unused")
    good("create", "--name=old", "-v", "used:/data", IMAGE)
    for words in (("prune", "containers"), ("container", "prune"), ("volume", "prune"), ("system", "reset")):
        result = dist(*words)
        equal((result.status, result.err), (1, "dist: cannot ask for confirmation without a terminal; use --force\n"))
    for answer, deleted in (("n", False), ("y", True)):
        screen = Screen(80, "volume", "prune")
        screen.read(until="[y/N] ")
        os.write(screen.master, f"{answer}\n".encode())
        equal(screen.finish(), 0 if deleted else 1)
        equal(good("volume", "ls", "-q").split(), ["used"] if deleted else ["unused", "used"])
    contains(good("prune", "containers", "--dry-run"), "old\n")
    contains(dist("prune", "pods").err, 'prune takes containers, volumes, networks or contents, not "pods"')
    equal(sorted(good("container", "prune", "--force").split()), ["failed", "made", "old"])
    equal(good("ps", "-aq"), "web\n")
    equal(good("volume", "prune", "-f"), "used\n")


def test_system_info_shows_the_state_of_the_service():
    shown = dict(row.values() for row in json.loads(good("system", "info", "--json")))
    equal((shown["Containers"], shown["RunningContainers"], shown["StatePath"]), ("1", "1", "/var/lib/berth"))
    contains(shown["Features"], "volumes")
    for language, parts in zip(LANGUAGES, (("State directory  ", "Running containers  1\n"), ("Zustandsverzeichnis  ", "Laufende Container   1\n"))):
        text = good("system", "info", env=language)
        for part in parts:
            contains(text, part)
        equal([line for line in text.split("\n") if len(line) > 80], [])
    equal(good("system", "info", "--format={{.Name}}").split()[:2], ["Version", "StatePath"])
    for language, text in zip(LANGUAGES, ("all contents are undamaged\n", "alle Inhalte sind unbeschädigt\n")):
        result = dist("system", "check", env=language)
        # Standard error may begin with progress.
        equal((result.status, result.out, result.err[-len(text):]), (0, "", text))
        assert language != GERMAN or "contents" not in result.err, result.err


def test_df_measures_containers_and_volumes():
    """df --verbose measures containers and volumes; it measures those of other users only for callers who may see
    them."""
    good("run", "--name=full", "-v", "full:/data", IMAGE, "sh", "-c", "head -c 300000 /dev/urandom >/file; head -c 500000 /dev/urandom >/data/file")
    for words in (("df", "--verbose"), ("system", "df", "-v")):
        rows = {(row["kind"], row["name"]): row for row in json.loads(good(*words, "--json"))}
        assert 300000 <= rows["container", "full"]["size"] < 400000 and 500000 <= rows["volume", "full"]["size"] < 600000, rows
        assert rows["image", IMAGE]["size"] > 0, rows
    assert not {"container", "volume"} & {row["kind"] for row in json.loads(good("df", "--json"))}
    contains(good("df", "-v", env=GERMAN), "Datenträger")
    equal(good("df", "-v", "--sort=-size", "--format={{.Kind}}", env=GERMAN).split()[0], "snapshots")
    polkit_rule('polkit.addRule(function(action) { if (action.id == "org.berth1.contents.read") return "yes"; });')
    assert "full" not in good("df", "-v", user="alice")
    polkit_rule("")
    good("rm", "full")
    good("volume", "rm", "full")


def test_save_and_load_accept_the_options_of_docker():
    good("save", "-o", "/tmp/first-hour.tar", IMAGE)
    equal(good("load", "-i", "/tmp/first-hour.tar"), f"{IMAGE}\n")
    equal(good("load", "--input=/tmp/first-hour.tar"), f"{IMAGE}\n")
    contains(dist("load", "-i", "/nothing").err, "/nothing")
    contains(dist("load", "-i", "/tmp/first-hour.tar", "sh").err, "a command can only be given with --rootfs")
    os.unlink("/tmp/first-hour.tar")


def test_colours():
    screen = Screen(80, "ps")
    screen.finish()
    contains(screen.text, "\033[32mup ")
    screen = Screen(80, "ps", env={"NO_COLOR": "1"})
    screen.finish()
    assert "\033[" not in screen.text, screen.text
    assert "\033[" not in good("ps")


def test_progress_never_wraps():
    for columns in (20, 40, 80, 200):
        dist("rmi", LARGE)
        good("prune")
        screen = Screen(columns, "pull", LARGE, "--progress=tty", rows=8)
        equal(screen.finish(), 0)
        drawn = lines(screen.text)
        assert max(map(len, drawn[:-2])) < columns or columns < len(LARGE), (columns, drawn)
        for up in re.findall(r"\033\[(\d+)A", screen.text):
            assert int(up) < 8, up
        assert "0 of 0" not in screen.text and "of 0\u00a0" not in screen.text, screen.text
        if columns >= 80:
            assert re.search(r"\d of \d+, [\d.]+\s\w+ of ", screen.text), screen.text


def test_kinds_of_progress():
    for kind in ("plain", "json", "none"):
        dist("rmi", LARGE)
        good("prune")
        result = dist("pull", f"--progress={kind}", LARGE)
        equal((result.status, result.out), (0, f"{LARGE}\n"))
        if kind == "none":
            equal(result.err, "")
        elif kind == "json":
            for line in result.err.splitlines():
                assert {"done", "total", "items"} <= set(json.loads(line)), line
        else:
            assert re.search(r"^[0-9a-f]{12}  done  ", result.err, re.MULTILINE), result.err
            assert max(map(len, result.err.splitlines())) <= 80, result.err
    contains(dist("pull", "--progress=odd", LARGE).err, "--progress takes")


def test_restart_and_version():
    good("run", "-d", "--name=again", IMAGE)
    [before] = [c for c in json.loads(good("ps", "--json")) if c["id"] == "again"]
    equal(good("restart", "-t", "0", "again"), "again\n")
    [after] = [c for c in json.loads(good("ps", "--json")) if c["id"] == "again"]
    assert before["pid"] != after["pid"] and after["state"] == "running", (before, after)
    good("stop", "-t", "0", "again")
    equal(good("container", "restart", "again"), "again\n")
    contains(good("ps", "-q"), "again")
    good("rm", "-f", "again")
    equal(dist("restart", "nothing").status, 1)
    assert re.fullmatch(r"dist [\w.]+, service [\w.]+\n", good("version")), good("version")


def test_logs():
    for name in ("one", "two"):
        good("run", "-d", f"--name={name}", IMAGE, "sh", "-c", "for n in 1 2 3 4 5; do echo $0 $n; done; sleep 1000", name)
        wait_until(lambda: f"{name} 5" in good("logs", name), "its output")  # pylint: disable=cell-var-from-loop
    equal(good("logs", "-n", "2", "one"), "one 4\none 5\n")
    equal(good("logs", "--tail=1", "--names", "one"), "one | one 5\n")
    equal(good("logs", "--tail=1", "one", "two"), "one | one 5\ntwo | two 5\n")
    contains(good("logs", "--since=5m", "one"), "one 1")
    contains(good("logs", "--since=yesterday", "one"), "one 1")
    equal(good("logs", "--until=yesterday", "one"), "")
    equal(dist("logs", "--since=whenever", "one").status, 1)
    contains(good("logs", "--since=2 hours ago", "one"), "one 1")
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d "
    for shown, line in (((), ""), (("--names",), "one \\| ")):
        text = good("logs", "-t", *shown, "--tail=1", "one")
        assert re.fullmatch(f"{line}{time}one 5\n", text), text
    missing = dist("logs", "never-was")
    equal((missing.status, missing.out), (1, ""))
    contains(missing.err, "there is no container never-was")
    good("rm", "-f", "one", "two")
    wait_until(lambda: "one 5" in good("logs", "one"), "what the journal keeps of a deleted container")
    assert re.search(f"^{time}one 5$", good("logs", "--timestamps", "one"), re.MULTILINE)


def test_logs_of_several_are_followed():
    for name in ("one", "two"):
        good("run", "-d", f"--name={name}", IMAGE, "sh", "-c", "echo $0 begins; while [ ! -e /go ]; do sleep 0.2; done; echo $0 goes on", name)
    process = subprocess.Popen(["dist", "logs", "-f", "--since=5m", "one", "two", "never-was"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    shown = {process.stdout.readline() for _ in range(2)}
    equal(shown, {"one | one begins\n", "two | two begins\n"})
    for name in ("two", "one"):
        good("exec", name, "touch", "/go")
        equal(process.stdout.readline(), f"{name} | {name} goes on\n")
    process.terminate()
    out, err = process.communicate(timeout=300)
    equal(out, "")
    contains(err, "never-was")
    good("rm", "-f", "one", "two")


def test_info_is_a_status_page():
    os.makedirs("/tmp/first-hour-dir", exist_ok=True)
    good("run", "-d", "--name=page", "-v", "/tmp/first-hour-dir:/data", "-v", "page-volume:/kept", "--tmpfs=/scratch", IMAGE, "sh", "-c", "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $n; done; sleep 1000; true")
    wait_until(lambda: "line 12" in good("logs", "page") and "sleep" in good("top", "page"), "its output")
    text = good("info", "page")
    pid = listing("info", "page")[0]["pid"]
    for part in (r"page\nStatus: +up .*\n", rf"\nImage: +{re.escape(IMAGE)}\n", rf"\nMain PID: +{pid}\n", r"\nUnit: +berth-page.scope\n",
                 r"\nMounts: +/tmp/first-hour-dir → /data\n +/var/lib/berth/volumes/\S+ → /kept\nCgroup: +/berth.slice/berth-page.scope\S*\n",
                 rf"\nProcesses: +{pid} ", r"\n +\d+ sleep 1000\n", r"\nTasks: +2\n", r"\n\nline 3\n(line \d+\n)+$"):
        assert re.search(part, text), (part, text)
    equal("\nMemory: " in text, listing("stats", "page")[0]["memory"] is not None)
    screen = Screen(60, "info", "page")
    equal(screen.finish(), 0)
    contains(screen.text, "\033[32mup ")
    assert all(len(line) <= 60 for line in lines(screen.text)), screen.text
    equal(good("info", "--format={{.State}}", "page"), "running\n")
    good("stop", "-t", "0", "page")
    text = good("info", "page")
    assert "exited" in text and "Main PID" not in text, text
    good("rm", "page")
    good("volume", "rm", "page-volume")


def test_the_third_interrupt_ends_dist():
    # Standard error is a file, as the container, which outlives dist, would keep a pipe open.
    with open("/tmp/first-hour-err", "w", encoding="utf-8") as file:
        process = subprocess.Popen(["dist", "run", "--name=deaf", IMAGE, "sh", "-c", "trap '' INT; echo ready; while :; do sleep 1; done"],
                                   stdout=subprocess.PIPE, stderr=file, text=True)
    equal(process.stdout.readline(), "ready\n")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)

    # Signals of the same number that are pending together are delivered once, so SIGINT is sent until dist has exited.
    def gone():
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        return process.poll() is not None

    wait_until(gone, "dist lets go")
    equal(process.returncode, 130)
    with open("/tmp/first-hour-err", encoding="utf-8") as file:
        said = file.read()
    contains(said, 'deaf continues without dist; "dist stop deaf" stops it')
    contains(good("ps", "-q"), "deaf")
    good("rm", "-f", "deaf")


def test_reset_leaves_nothing():
    good("volume", "create", "kept")
    good("system", "reset", "--force")
    equal([good(*words) for words in (("ps", "-aq"), ("images", "-q"), ("volume", "ls", "-q"))], ["", "", ""])
    equal(blobs(), set(), "blobs")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
