# SPDX-License-Identifier: LGPL-2.1-or-later
# Compromised workers, as in test-liars.py, that lie about containers, networks and what is stored.

import contextlib
import importlib
import io
import json
import os
import select
import shutil
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

liars = importlib.import_module("test-liars")
BASE, VICTIM, Liar = liars.BASE, liars.VICTIM, liars.Liar
check_world, has_lied, lie_in, named, stored = liars.check_world, liars.has_lied, liars.lie_in, liars.named, liars.stored


# A replacement for berth-network. It sends each line of /run/liar as a message, with a descriptor if the line begins
# with "+"; at the line "hang", it waits for ever. /run/liar-document, if it exists, replaces the connection's document.
NETWORK = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
static void say(const char *text, size_t size, int fd) {
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control = {.space = {0}};
    struct iovec data = {(char *)text, size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    sendmsg(3, &message, MSG_NOSIGNAL);
}
int main(int argc, char **argv) {
    static char line[70000];
    FILE *words = fopen("/run/liar", "r");
    int document = open("/run/liar-document", O_RDONLY);
    if (document >= 0 && argc > 4 && strcmp(argv[1], "join") == 0) {
        char path[4096];
        snprintf(path, sizeof path, "/var/lib/berth/networks/%s.json", argv[4]);
        int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        while (sendfile(file, document, NULL, 1 << 20) > 0)
            ;
    }
    close(creat("/var/lib/berth/liar-network-ran", 0600));
    while (words && fgets(line, sizeof line, words)) {
        size_t size = strcspn(line, "\n");
        line[size] = 0;
        if (strcmp(line, "hang") == 0)
            for (;;)
                pause();
        if (line[0] == '+')
            say(line + 1, size - 1, 0);
        else
            say(line, size, -1);
    }
    return 0;
}
"""


def test_setup():
    liars.test_setup()


def test_a_commit_with_lying_workers():
    """If a commit names an image, it is the base image with one more layer."""
    good("run", "--id=committed", VICTIM["reference"], "sh", "-c", "echo x >/added")
    base = json.loads(good("inspect", "--manifest", VICTIM["reference"]))

    def commit(count):
        name = f"liar.example/commit:{count}"
        dist("commit", "--no-unpack", "committed", name, timeout=120)
        digest = named().get(name)
        if not digest:
            return {}
        manifest = json.loads(good("inspect", "--manifest", name))
        equal([layer["digest"] for layer in manifest["layers"][:-1]], [layer["digest"] for layer in base["layers"]])
        assert manifest["layers"][-1]["digest"] != VICTIM["digest"], manifest
        assert manifest["config"]["digest"][7:] in stored(), manifest
        return {name: digest}
    lie_in({"unpack": ("Pack",), "ingest": ("Ingest", "Sync"), "inspect": ("AppendToConfig", "AppendToManifest")}, commit)
    good("rm", "-f", "committed")


def test_applying_with_a_lying_unpack():
    layer = next(iter(oci.Image([oci.Layer("none").add("applied", b"x")]).blobs.items()))
    with open("/tmp/layer", "wb") as file:
        file.write(layer[1])
    equal(run("sh", "-c", "dist content ingest layer </tmp/layer").status, 0)

    def apply(count):
        os.makedirs(f"/tmp/applied-{count}")
        dist("content", "apply", layer[0], f"/tmp/applied-{count}", timeout=120)
        return {}
    lie_in({"unpack": ("Apply",)}, apply)


def test_secrets_read_by_a_lying_ingest():
    """A container has the secrets that it was given, each under its name, or is not created."""
    with open("/run/liars-secret", "w", encoding="ascii") as file:
        file.write("a secret")

    def give(_count):
        result = dist("create", "--id=secretive", "--secret=mine=/run/liars-secret", VICTIM["reference"], "cat", "/run/secrets/mine")
        if result.status == 0:
            equal(good("start", "-a", "secretive"), "a secret")
            good("rm", "secretive")
        equal([row["id"] for row in listing("ps", "-a")], ["keeper"])
        return {}
    lie_in({"ingest": ("Gather",)}, give)
    # The worker writes a file with the names and sizes of the secrets; the names become file names in the container.
    for lie, text, says in (("grow", "x", "more bytes of secrets than allowed"), ("spoil", "../escaped", "damaged"), ("spoil", "..", "damaged"),
                            ("spoil", "/etc/escaped", "damaged"), ("spoil", "x" * 264, "damaged")):
        with Liar("ingest", "Gather", lie, text):
            result = dist("create", "--id=secretive", "--secret=mine=/run/liars-secret", VICTIM["reference"], "true")
        if result.status == 0:
            result = dist("start", "-a", "secretive")
            good("rm", "secretive")
        contains(result.err, says)
    equal([row["id"] for row in listing("ps", "-a")], ["keeper"])
    assert "escaped" not in run("find", "/run", "/etc", STATE, "-name", "*escaped*").out
    os.unlink("/run/liars-secret")


def test_an_export_with_a_lying_archive():
    def export(_count):
        dist("export", VICTIM["reference"], "-o", "/tmp/liar-out.tar", timeout=120)
        return {}
    lie_in({"archive": ("Create", "Add", "Finish")}, export)
    os.unlink("/tmp/liar-out.tar")


def test_the_logs_with_a_lying_journal():
    lie_in({"journal": ("Read",)}, liars.read_logs)


def test_terminals_with_a_lying_screen():
    """Only the terminal of the owner whose worker lies may be unusable; its container can be deleted like any other."""
    def attach_and_leave():
        call("/org/berth1/containers", "org.berth1.Containers", "Attach", "ssa{sv}", "screened", "", "0")

    def open_one():
        good("run", "-dt", "--id=screened", VICTIM["reference"], "sh", "-c", "while sleep 0.05; do echo x; done")

    def keep(_count):
        # While no client is attached, the worker keeps the terminal; it hands it over to the next client.
        open_one()
        wait_until(lambda: run("pgrep", "-x", "real-screen").out, "a worker keeps the terminal")
        attach_and_leave()
        good("rm", "-f", "screened")
        return {}

    def share(_count):
        # When one of two clients leaves, the worker is called to ring for the other. CloseStdin makes it type the
        # end-of-file character.
        open_one()
        holder = subprocess.Popen(["dist", "attach", "screened"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        select.select([holder.stdout], [], [], 10)
        attach_and_leave()
        call("/org/berth1/containers", "org.berth1.Containers", "CloseStdin", "ssa{sv}", "screened", "", "0")
        holder.kill()
        holder.communicate()
        good("rm", "-f", "screened")
        return {}
    lie_in({"screen": ("Keep", "Release")}, keep)
    lie_in({"screen": ("Type", "Ring")}, share)


def test_a_docker_archive_with_a_lying_inspect():
    """The names, the configuration and the layers of each image are members of the archive."""
    layer = oci.busybox_layer("none").finish()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                         "rootfs": {"type": "layers", "diff_ids": [layer[0]]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["liar.example/docker:1"], "Layers": ["l.tar"]}]).encode()
    with tarfile.open("/tmp/liar-docker.tar", "w") as archive:
        for name, data in (("manifest.json", manifest), ("c.json", config), ("l.tar", layer[2])):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    good("import", "--no-unpack", "/tmp/liar-docker.tar")
    digest = named()["liar.example/docker:1"]
    good("rmi", "liar.example/docker:1")

    def take(_count):
        dist("import", "--no-unpack", "/tmp/liar-docker.tar", timeout=120)
        if "liar.example/docker:1" in named():
            equal(named()["liar.example/docker:1"], digest)
            good("rmi", "liar.example/docker:1")
        return {"liar.example/docker:1": digest}
    lie_in({"inspect": ("DockerArchive",)}, take)
    os.unlink("/tmp/liar-docker.tar")


def test_a_document_with_a_lying_inspect():
    """The document has the requested length, or there is none."""
    truth = good("inspect", "--manifest", VICTIM["reference"])

    def look(_count):
        result = dist("inspect", "--manifest", VICTIM["reference"], timeout=120)
        assert result.status != 0 or result.out == truth, result
        return {}
    lie_in({"inspect": ("Text",)}, look)


def test_a_verification_with_a_lying_ingest():
    """A report of damage by a single worker, or a failing worker, removes nothing."""
    good("prune")    # a verification reads everything that is left of other tests
    before = stored()

    def verify(_count):
        result = dist("content", "verify", timeout=120)
        assert result.status != 0 or "damaged" not in result.out, result
        equal(stored(), before)
        return {}
    for lie in ("numbers", "drop", "type", "huge", "error", "die", "once-text", "once-digests", "once-error", "once-die"):
        with Liar("ingest", "Hash", lie, VICTIM["digest"]):
            verify(0)
    check_world(service_pid(), named(), {})


def test_deletion_with_a_lying_unpack_worker():
    """What a worker failed to delete is deleted when the service starts next. A false size affects only the container
    that was measured."""
    allow("alice", 'action.id.indexOf("org.berth1.containers.") == 0')
    configure("[Limits]\nDisk=10G\n")
    pid = service_pid()
    for lie in (*liars.lies_about("unpack", "Measure"), "twice", "calls"):
        with Liar("unpack", "Measure", lie, VICTIM["digest"]):
            good("run", "--id=hers", VICTIM["reference"], "sh", "-c", "mkdir /many; cd /many; for i in $(seq 100); do echo >$i; done", user="alice")
            wait_until(lambda: has_lied("unpack", "Measure"), f"the lie {lie} about its size")
        with Liar("unpack", "Empty", lie, VICTIM["digest"]):
            good("rm", "hers", user="alice")
            wait_until(lambda: has_lied("unpack", "Empty"), f"the lie {lie} about its deletion")
    # The service gives up a worker that never answers, and measures the next container.
    configure("[Limits]\nDisk=10G\nMeasureTimeoutSec=1\n")
    with Liar("unpack", "Measure", "never", "x"):
        good("run", "--id=hers", VICTIM["reference"], "true", user="alice")
        wait_until(lambda: "Cannot measure hers: it took too long\n" in
                   run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "berthd.service").out, "its worker is given up")
    configure("[Limits]\nDisk=10G\n")
    with Liar("unpack", "Measure", "numbers", "x"):
        good("run", "--id=next", VICTIM["reference"], "true", user="alice")
        wait_until(lambda: has_lied("unpack", "Measure"), "the measurement of the next one")
    good("rm", "hers", "next", user="alice")
    equal(service_pid(), pid)
    kill_service()
    good("images", "-q")
    wait_until(lambda: not [name for name in os.listdir(f"{STATE}/containers") if name.startswith(".")], "the deletion of the rest")
    check_world(service_pid(), named(), {})


def test_a_sync_with_a_lying_ingest():
    """The service survives false replies to SyncFileSystem, whose only message is that the sync is complete."""
    pid, before = service_pid(), named()
    for lie in ("type", "huge", "error", "die", "twice", "calls"):
        with Liar("ingest", "SyncFileSystem", lie, VICTIM["digest"]):
            allowed = liars.pull(f"sync-{lie}")
            wait_until(lambda: has_lied("ingest", "SyncFileSystem"), f"the lie {lie}")
        check_world(pid, before, allowed)
        good("rmi", *allowed)


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def lying_network(words, document=None):
    """Sets the messages and the document that berth-network sends when it runs next."""
    for name, text in (("/run/liar", "".join(word + "\n" for word in words)), ("/run/liar-document", document)):
        remove(name)
        if text is not None:
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
    remove(f"{STATE}/liar-network-ran")


def test_networks_with_a_lying_berth_network():
    """The service trusts no message or document of berth-network, except that an operation is complete or failed."""
    equal(run("gcc", "-static", "-x", "c", "-o", "/var/tmp/liar-network", "-", input=NETWORK).status, 0)
    for name in ("first", "second"):
        good("network", "create", "--ipv6=false", name)
    good("run", "-d", "--id=roams", "--network=first", "--stop-timeout=1", VICTIM["reference"], "sleep", "10000")
    get = ("Get", "sa{sv}", "keeper", "0")
    before, pid = containers_call(*get).out, service_pid()
    place = f"{WORKERS}/berth-network"
    os.rename(place, f"{WORKERS}/real-network")
    shutil.copy("/var/tmp/liar-network", place)
    try:
        noise = ["?", "+?", "+P1", "P1", "+R1", "+T", "T", "g", "K" * 60000, "P" + "9" * 900]
        for words, succeeds in (([], False), (["E\x1b]0;x\x07\x1b[2Jno"], False), (["U" + "\x1b[2J" * 180], False), (noise, True), (["K", "K", "E late"], False),
                                (noise + ["E no"], False), (["", "K"], False), (["K"], True)):
            lying_network(words)
            result = dist("network", "connect", "second", "roams")
            equal(result.status == 0, succeeds, [word[:20] for word in words])
            assert "\x1b" not in result.err and "\x07" not in result.err, result
            if succeeds:
                lying_network(["K"])
                good("network", "disconnect", "second", "roams")
        ips = [{"address": "\x1b[2J\n"}, {"address": "10.0.0.1/8"}, {"other": 1}, 7, None]
        for result in ({"ips": ips}, {"ips": [{"address": "9" * 4000}] * 900}, {"ips": {"address": 1}}, [], None, "x", {"ips": [[[]] * 9]}):
            lying_network(["K"], json.dumps({"pid": 1, "request": {"network": "first", "owner": -1}, "result": result, "port": "../../lo", "portIndex": 1}))
            good("network", "connect", "second", "roams")
            for words in (("ps", "-a"), ("info", "roams"), ("network", "inspect", "second"), ("network", "ls")):
                shown = dist(*words)
                assert "\x1b" not in shown.out + shown.err, shown
                equal(shown.status, 0, (words, result))
            good("network", "disconnect", "second", "roams")
        for text in ("", "{", "[]", "\0", "[" * 100000):
            lying_network(["K"], text)
            good("network", "connect", "second", "roams")
            good("info", "roams")
            good("network", "disconnect", "second", "roams")
        lying_network(["hang"])
        waiting = subprocess.Popen(["dist", "network", "connect", "second", "roams"], stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(f"{STATE}/liar-network-ran"), "it is asked")
        good("info", "roams")
        lying_network([])
        good("rm", "-f", "roams")
        assert waiting.wait(120) != 0
        # At a start, the service relies on berth-network's report that it is done: a container that was not really
        # connected starts without a network.
        good("run", "--rm", "--network=first", VICTIM["reference"], "true")
        equal((containers_call(*get).out, service_pid()), (before, pid))
    finally:
        os.rename(f"{WORKERS}/real-network", place)
        remove("/run/liar")
        remove("/run/liar-document")
    # The next service undoes connections that were recorded but not completed.
    kill_service()
    good("ps")
    wait_until(lambda: not [name for name in os.listdir(f"{STATE}/networks") if name[0] != "."], "the documents go")
    equal(good("run", "--rm", "--network=first", VICTIM["reference"], "cat", "/mine"), "the victim's")
    good("network", "rm", "first", "second")


def test_every_member_of_every_worker_has_lied():
    equal(liars.LOCAL - liars.LIES_SO_FAR, set())
    equal(liars.LOCAL - set(liars.MEMBERS), set())


def test_everything_works_again_with_the_real_workers():
    liars.test_everything_works_again_with_the_real_workers()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
