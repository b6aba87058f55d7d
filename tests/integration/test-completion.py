# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion: the suggestions of "dist shell-completion", and those of bash with the installed script.

import os
import re
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/completion/box:x"


def offered(line, user=None):
    result = dist("shell-completion", f"--line={line}", user=user)
    equal((result.status, result.err), (0, ""), line)
    return result.out.split()


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    for name in ("web", "worker", "db"):
        good("create", f"--id={name}", IMAGE)
    good("volume", "create", "data")


def test_verbs():
    equal(offered("dist che"), ["checkpoint"])
    equal(sorted(offered("dist --quiet res")), ["resolve", "restart", "restore", "resume"])
    assert {"run", "pull", "content", "shell-completion"} <= set(offered("dist ")), offered("dist ")
    equal(offered("dist nosuchverb x"), [])
    equal(offered("dist"), [])


def test_options():
    equal(offered("dist run --networ"), ["--network", "--network-alias"])
    equal(offered("dist run --js"), ["--json"])
    equal(offered("dist checkpoint -"), ["--leave-running", "--host", "--machine", "--json", "--quiet", "--no-pager",
                                         "--no-ask-password", "--version", "--help"])
    equal(offered("dist --no-a"), ["--no-ask-password"])
    equal(offered("dist content rm --n"), ["--no-pager", "--no-ask-password"])


def test_verbs_of_groups():
    equal(offered("dist volume "), ["list", "ls", "create", "exists", "inspect", "rm", "prune"])
    equal(offered("dist system "), ["info", "reset", "check", "df", "events", "prune"])
    equal(offered("dist image l"), ["list", "load", "ls"])
    equal(offered("dist content a"), ["active", "abort", "apply"])


def test_arguments():
    equal(offered("dist start w"), ["web", "worker"])
    equal(sorted(offered("dist rm web ")), ["db", "web", "worker"])
    equal(sorted(offered("dist exec -it ")), ["db", "web", "worker"])
    equal(offered("dist exec web "), [])
    equal(offered("dist run --rm 127."), [IMAGE])
    equal(offered("dist tag "), [IMAGE])
    equal(offered("dist tag name "), [])
    equal(offered("dist volume rm "), ["data"])
    equal(sorted(offered("dist cp ")), ["db", "web", "worker"])


def test_values():
    make_network("completed", "10.81.0.0/24")
    equal(offered("dist run --network=comp"), ["--network=completed"])
    assert {"none", "host", "completed"} <= set(offered("dist run --network "))
    equal(offered("dist create -v da"), ["data"])
    equal(offered("dist kill -s SIGT"), ["SIGTRAP", "SIGTERM", "SIGTSTP", "SIGTTIN", "SIGTTOU"])
    equal(offered("dist run --cap-add=NET_"), [f"--cap-add=NET_{name}" for name in ("ADMIN", "BIND_SERVICE", "BROADCAST", "RAW")])
    equal(offered("dist run --pull n"), ["newer", "never"])
    equal(offered("dist run -u roo"), ["root"])
    equal(offered("dist run --ipc="), ["--ipc=private", "--ipc=host"])
    equal(offered("dist run --uts="), ["--uts=private", "--uts=host"])
    equal(offered("dist run --env="), [])


def test_hosts_and_machines():
    os.makedirs("/root/.ssh", mode=0o700, exist_ok=True)
    with open("/root/.ssh/config", "w", encoding="ascii") as file:
        file.write("# Host not\nHost db1 db2 *.example.com !no\n  HostName x\nhost=\"quoted\"\nHostName y\nHost $(id) -o\n")
    with open("/root/.ssh/known_hosts", "w", encoding="ascii") as file:
        file.write("web1.example.com,192.0.2.7 ssh-ed25519 AAAA\n[far]:2222 ssh-ed25519 AAAA\n|1|aGFzaGVk|aGFzaGVk= ssh-ed25519 AAAA\n"
                   "@revoked bad ssh-ed25519 AAAA\n# comment\n[2001:db8::1]:22 ssh-ed25519 AAAA\n2001:db8::2 ssh-ed25519 AAAA\ndb1 ssh-ed25519 AAAA\n")
    everything = ["db1", "db2", "quoted", "web1.example.com", "192.0.2.7", "far:2222"]
    equal(offered("dist -H "), everything)
    equal(offered("dist --host=d"), ["--host=db1", "--host=db2"])
    equal(offered("dist -H db1,root@w"), ["db1,root@web1.example.com"])
    equal(offered("dist ps -H q"), ["quoted"])
    equal(offered("dist -H db1 che"), ["checkpoint"])
    equal(offered("dist -Hdb1 che"), ["checkpoint"])
    equal(offered("dist -H", user="alice"), [])
    os.makedirs("/run/systemd/machines", exist_ok=True)
    for name in ("guest", "guest2"):
        with open(f"/run/systemd/machines/{name}", "w", encoding="ascii"):
            pass
    os.symlink("guest", "/run/systemd/machines/unit:guest.scope")
    equal(sorted(offered("dist -M ")), ["guest", "guest2"])
    equal(offered("dist images --machine=root@guest2"), ["--machine=root@guest2"])
    for name in ("guest", "guest2", "unit:guest.scope"):
        os.unlink(f"/run/systemd/machines/{name}")
    equal(bash("dist -H web"), ["web1.example.com"])
    equal(bash("dist -H far:"), ["2222"])


def test_files_in_a_container():
    good("run", "-d", "--id=runs", IMAGE)
    good("exec", "runs", "sh", "-c", "mkdir -p /etc/deep '/etc/a b' && touch /etc/deeper && ln -s /etc /link")
    for name in ("runs", "db"):
        contains(offered(f"dist cp {name}:/et"), f"{name}:/etc/")
    equal(sorted(offered("dist cp runs:/etc/dee")), ["runs:/etc/deep/", "runs:/etc/deeper"])
    equal(sorted(offered("dist cp . runs:/link/dee")), ["runs:/link/deep/", "runs:/link/deeper"])
    equal(offered("dist cp runs:et"), ["runs:etc/"])
    equal((offered("dist cp runs:/none/x"), offered("dist cp nobody:/et")), ([], []))
    equal(offered("dist cp runs:/et", user="alice"), [])
    # Only known kinds of copies are accepted.
    equal(containers_call("CopyOut", "ssha{sv}", "runs", "/etc/deeper", "1", "1", "Kind", "s", "frobs").status, 1)
    # Names that a shell could execute are not suggested.
    good("exec", "runs", "sh", "-c", "mkdir /odd && cd /odd && touch 'a$(id)' 'a;id' 'a`id`' 'a*' 'a b' \"a'\" 'a.b-c_1' 'aé'")
    equal(sorted(offered("dist cp runs:/odd/a")), ["runs:/odd/a.b-c_1", "runs:/odd/aé"])
    good("rm", "-f", "runs")


def test_names_that_a_shell_could_execute():
    """Whoever may name images chooses any name. The shell inserts a suggestion as it is."""
    names = ["odd/a$(id)", "odd/a;id", "odd/a`id`", "odd/a*", "odd/a b", "odd/a'", "odd/a|id", "odd/a\u202e"]
    for name in names:
        equal(call("/org/berth1/images", "org.berth1.Images", "Put", "s(sst)a{ss}a{sv}", name, oci.OCI_MANIFEST,
                   image_digest(IMAGE), "1", "0", "0").status, 0, name)
    equal([row["name"] for row in listing("images") if row["name"].startswith("odd/")], sorted(names))
    equal((offered("dist rmi odd/"), bash("dist rmi odd/")), ([], []))
    equal(call("/org/berth1/images", "org.berth1.Images", "DeleteMany", "asa{sv}", str(len(names)), *names, "0").status, 0)


def test_nobody_is_asked_for_a_password():
    equal(offered("dist start ", user="alice"), [])


def bash(line):
    """Returns the completions of a line by bash with the installed script."""
    script = """source /usr/share/bash-completion/completions/dist
        COMP_LINE=$1 COMP_POINT=${#1}; _dist 2>/dev/null; printf '%s\\n' "${COMPREPLY[@]}" """
    return subprocess.run(["bash", "-c", script, "bash", line], capture_output=True, text=True, check=True).stdout.split()


def test_bash():
    equal(bash("dist start w"), ["web", "worker"])
    # bash completes only the part after a colon.
    equal(bash(f"dist run {HOST}/comp"), ["5000/completion/box:x"])
    equal(bash(f"dist run {IMAGE[:-1]}"), ["x"])


def test_the_manual_has_every_verb():
    with open("/usr/share/man/man1/dist.1", encoding="utf-8") as file:
        manual = file.read().replace("\\-", "-")
    words = set(re.findall(r"[a-z-]+", manual))
    missing = [verb for verb in offered("dist ") if not verb.startswith("-") and verb not in words]
    equal(missing, [])


def test_each_group_of_verbs_has_a_manual():
    pages = {}
    for name in os.listdir("/usr/share/man/man1"):
        if name.startswith("dist-"):
            with open(f"/usr/share/man/man1/{name}", encoding="utf-8") as file:
                pages[name] = file.read().replace("\\-", "-")
    for verb in offered("dist help "):
        if not verb.startswith("-"):
            assert any(f'.SH "DIST {verb}"' in page for page in pages.values()), verb
    for option in offered("dist run --"):
        assert f"{option}" in pages["dist-run.1"], option
    contains(pages["dist-run.1"], "--hosts-file=FILE\\fP\nNot supported: /etc/hosts has the host's entries and the container's name.")
    contains(pages["dist-contents.1"], '.SH "DIST content get"')


def test_scripts_for_shells():
    for shell, part in (("bash", "complete -o default -F _dist dist"), ("zsh", "#compdef dist"), ("fish", "complete -c dist")):
        contains(good("shell-completion", shell), part)
    contains(good("shell-completion", env={"SHELL": "/bin/bash"}), "COMPREPLY")
    result = dist("shell-completion", "csh")
    equal(result.status, 1)
    contains(result.err, 'there is no completion for "csh"')


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
