# SPDX-License-Identifier: LGPL-2.1-or-later
# Command lines from podman and docker. Each option in the tables of docs/podman.md behaves as the page says.

import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/podman/box:x"
SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
EXEC_OWN = {"process", "cap-add", "no-new-privileges", "spec", "pid-file"}
OWN = {"id", "bundle", "spec", "seccomp", "slice", "autostart", "pids", "pid-file", "net", "cgroup", "unit-bound", "credentials",
       "notify"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def rows(of="run and create", least=140):
    """Returns the option, kind, explanation and test line of each row of a table in docs/podman.md."""
    page = (SOURCE / "docs" / "podman.md").read_text(encoding="utf-8").split(f"## Options of {of}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| --([a-z0-9-]+) \| (same|differs|refused) \| (.*?) \| `(.*?)` \|$", page, re.MULTILINE)
    assert len(found) > least, len(found)
    return found


def clean():
    for name in good("ps", "-a", "-q").split():
        good("rm", "-f", name)
    for name in good("pod", "ps", "-q").split():
        good("pod", "rm", name)
    for name in ("/tmp/podman-cid", "/tmp/podman-pid"):
        if os.path.exists(name):
            os.unlink(name)


def details(name):
    reply = run("busctl", "--json=short", "call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Get", "sa{sv}", name, "0")
    return {key: value["data"] for key, value in json.loads(reply.out)["data"][0].items()}


def attempt(line):
    words = shlex.split(line.replace("{arch}", ARCHITECTURES.get(platform.machine(), platform.machine())).replace("{image}", IMAGE))
    verb = words.pop(0) if words[0] == "run" else "create"
    if "=needed" in line:
        good("create", "--name=needed", IMAGE)
    # --preserve-fd needs an open descriptor.
    return run("sh", "-c", 'exec 3</dev/null; exec dist "$@"', "sh", verb, *words, IMAGE)


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    os.makedirs("/etc/cni/net.d", exist_ok=True)
    with open("/etc/cni/net.d/podman.conflist", "w", encoding="utf-8") as file:
        json.dump({"cniVersion": "0.4.0", "name": "podman", "plugins": [
            {"type": "bridge", "bridge": "cni-podman", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.78.0.0/24"}]]}}]}, file)
    good("network", "create", "--subnet=10.89.77.0/24", "--subnet=fd77::/64", "pages")
    os.makedirs("/tmp/podman-root", exist_ok=True)
    os.makedirs("/etc/cdi", exist_ok=True)
    with open("/etc/cdi/nvidia.json", "w", encoding="utf-8") as file:
        nodes = {"deviceNodes": [{"path": "/dev/nvidia0", "hostPath": "/dev/null"}]}
        json.dump({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "containerEdits": {"env": ["GPU=yes"]}, "devices": [
            {"name": name, "containerEdits": nodes} for name in ("0", "1", "all")]}, file)


def test_exec_finds_its_container():
    good("run", "-d", "--name=box", "--cidfile=/tmp/podman-cid", IMAGE)
    equal(good("exec", "--latest", "echo", "found"), "found\n")
    equal(good("exec", "--cidfile=/tmp/podman-cid", "echo", "found"), "found\n")
    # Then a configuration of the process leaves no argument.
    with open("/tmp/podman-process.json", "w", encoding="utf-8") as file:
        json.dump({"args": ["/bin/echo", "found"], "cwd": "/", "user": {"uid": 0, "gid": 0}}, file)
    for option in ("--latest", "--cidfile=/tmp/podman-cid"):
        equal(good("exec", option, "--spec=/tmp/podman-process.json"), "found\n")
    good("create", "--name=later", IMAGE)
    contains(dist("exec", "-l", "true").err, "later")
    equal(good("exec", "--cidfile=/tmp/podman-cid", "echo", "found"), "found\n")
    # Those of other users do not count.
    contains(dist("exec", "-l", "true", user="nobody").err, "you have no container")
    for words, word in ((["--cidfile=/nothing", "true"], "/nothing"), (["-l", "--cidfile=/tmp/podman-cid", "true"], "exclude each other"),
                        (["--cidfile=/tmp/podman-cid"], "missing"), (["box"], "COMMAND"), ([], "ID COMMAND"), (["--cidfile=/tmp", "true"], "/tmp")):
        result = dist("exec", *words)
        equal(result.status, 125, words)
        contains(result.err, word)
    clean()


def test_lines_in_the_journal_have_a_tag():
    good("run", "-d", "--name=tagged", "--log-opt", "tag=of the first", "--log-opt=tag=web", IMAGE, "sh", "-c", "echo tagged; sleep 1000")
    good("exec", "-d", "tagged", "echo", "executed")
    wait_until(lambda: len(good("logs", "tagged").splitlines()) == 2, "the lines of both processes")
    lines = run("journalctl", "-q", "-o", "json", "-u", "berth-tagged.scope", "_TRANSPORT=stdout").out.splitlines()
    equal([json.loads(line)["SYSLOG_IDENTIFIER"] for line in lines], ["web", "web"])
    for option, reason in (("max-size=10m", "the journal has its own limits"), ("path=/x", "output is written to the journal"),
                           ("labels=x", "only tag=NAME is"), ("tag={{.Name}}", "templates are not supported"), ("tag=", "the log tag is empty"),
                           ("tag=two\nlines", "control characters")):
        result = dist("create", f"--log-opt={option}", IMAGE)
        equal(result.status, 125)
        contains(result.err, reason)
    clean()


def test_supported_options_are_accepted():
    for option, kind, _how, line in rows():
        if kind == "refused":
            continue
        result = attempt(line)
        equal((option, result.status, result.err), (option, 0, ""))
        clean()


def test_refused_options_say_why():
    for option, kind, reason, line in rows():
        if kind != "refused":
            continue
        result = attempt(line)
        equal((result.status, result.err.strip()), (125, f"dist: --{option} is not supported: {reason}"))
    equal(good("ps", "-a", "-q"), "")


def test_verbs_that_dist_does_not_have_get_an_answer():
    page = (SOURCE / "docs" / "podman.md").read_text(encoding="utf-8").split("## Verbs that dist does not have\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| ([a-z -]+) \| (.*) \| `(.*)` \|$", page, re.MULTILINE)
    equal(len(found), page.count("\n| ") - 1)
    for verb, answer, line in found:
        result = run("sh", "-c", line)
        equal((result.status, result.out, result.err), (1, "", f'dist: there is no verb "{verb}": {answer}\n'))
        assert len(result.err) <= 81, result.err
    # Each has a row here or in docker.md.
    source = (SOURCE / "client" / "verbs-refused.c").read_text(encoding="utf-8")
    others = (SOURCE / "docs" / "docker.md").read_text(encoding="utf-8")
    equal([words for words in re.findall(r'^    \{"([a-z -]+)",', source, re.MULTILINE)
           if words not in {verb for verb, *_ in found} and f"\n| {words} | refused |" not in others], [])
    # Verbs of podman 4 that dist has are not among them.
    for group in ("", "container", "image", "network", "pod", "volume", "system"):
        text = run("podman", *group.split(), "--help").out.split("Available Commands:\n", 1)[1].split("\n\n", 1)[0]
        for verb in {line.split()[0] for line in text.splitlines()} - {"help"}:
            result = dist(*group.split(), verb, "--help")
            assert result.status == 0 or "there is no verb" in result.err, (group, verb, result)


def test_options_with_one_value_take_it_from_the_next_word():
    for words in (["--cgroupns", "private"], ["--log-driver", "journald"], ["--image-volume", "bind"], ["--systemd", "true"], ["--read-only-tmpfs"]):
        good("create", *words, IMAGE)
    for words, word in ((["--log-driver", "syslog"], "--log-driver=syslog"), (["--passwd"], "--passwd=true"), (["--cgroups", "split"], "--cgroups=split")):
        contains(dist("create", *words, IMAGE).err, f"{word} is not supported")
    clean()


def test_the_page_has_every_option():
    named = {option for option, *_ in rows()}
    source = "".join((SOURCE / "client" / f"{name}.c").read_text(encoding="utf-8")
                     for name in ("run-refused", "run-options", "run-limits", "scope-limits", "run-process", "network-options", "pull"))
    known = set(re.findall(r'\{"([a-z0-9-]+)",\s*(?:0|\'.\'),', source))
    known |= set(re.findall(r'REFUSED\("([a-z0-9-]+)",', source))
    equal(sorted(known - named - OWN), [])
    equal(sorted(named - known - {"quiet"}), [])


def test_options_of_exec():
    good("run", "-d", "--name=box", "--cidfile=/tmp/podman-cid", IMAGE)
    for option, kind, reason, line in rows("exec", 10):
        # These two stand for the ID.
        names = [] if option in ("cidfile", "latest") else ["box"]
        result = run("sh", "-c", 'exec 3</dev/null; exec dist "$@"', "sh", "exec", line, *names, "true")
        if kind == "refused":
            equal((result.status, result.err.strip()), (125, f"dist: --{option} is not supported: {reason}"))
        else:
            equal((option, result.status, result.err), (option, 0, ""))
    table = (SOURCE / "client" / "verbs-exec.c").read_text(encoding="utf-8").split("exec_options[] = {", 1)[1].split("DIST_OPTION_END", 1)[0]
    known = set(re.findall(r'\{"([a-z0-9-]+)",\s*(?:0|\'.\'),', table))
    equal(known - EXEC_OWN, {option for option, *_ in rows("exec", 10)})

    with open("/tmp/podman-env", "w", encoding="utf-8") as file:
        file.write("# a comment\nONE=1\nFROM_HOST\nTWO=a b\n")
    out = good("exec", "--env-file=/tmp/podman-env", "-eONE=2", "-eALSO", "box", "env", env={"FROM_HOST": "yes", "ALSO": "this"})
    assert {"ONE=2", "FROM_HOST=yes", "ALSO=this", "TWO=a b"} <= set(out.split("\n")), out
    os.unlink("/tmp/podman-env")
    contains(good("exec", "--env-file=-/nothing", "--env-file=-/etc/os-release", "box", "env"), "PRETTY_NAME=")
    result = dist("exec", "--env-file=/nothing", "box", "true")
    equal(result.status, 125)
    contains(result.err, "/nothing")
    clean()


def test_values_that_are_refused():
    for words, part in ((("--pid=container:x",), "--pid=container:x is not supported: the namespace is private or host"),
                        (("--pid=host", "--init"), "Init and PIDNamespace=host exclude each other"),
                        (("-v", "podman-volume:/p:U"), "the mount option U is not supported: files keep their owners"),
                        (("-v", "/tmp:/p:ro,U"), "the mount option U is not supported: files keep their owners"),
                        (("-v", "podman-volume"), '"podman-volume" is not of the form SOURCE:PATH[:OPTIONS]'),
                        (("--gpus=2",), "--gpus 2: name the GPUs, such as device=0"),
                        (("--gpus=capabilities=utility",), 'invalid value "capabilities=utility" of --gpus'),
                        (("--gpus=device=9",), 'there is no device "nvidia.com/gpu=9"'),
                        (("--volumes-from=nobody",), "nobody"),
                        (("--env-merge=PATH",), 'invalid value "PATH" of --env-merge'),
                        (("--log-driver=k8s-file",), "--log-driver=k8s-file is not supported"),
                        (("--platform=linux/s390x",), "--platform=linux/s390x is not supported"),
                        (("--arch=s390x", "--variant=v7"), "--platform=linux/s390x/v7 is not supported"),
                        (("--os=windows",), "--platform=windows/"),
                        (("--passwd",), "the service does not write /etc/passwd"),
                        (("--systemd=false",), "--systemd=false is not supported"),
                        (("--uts=container:x",), "--uts=container:x is not supported"),
                        (("--mount=type=cdrom,source=x,target=/y",), "unknown type=cdrom; use bind"),
                        (("--security-opt=label=type:x",), "--security-opt=label=type:x is not supported"),
                        (("--security-opt=mask=proc",), 'the path to mask "proc" is not absolute'),
                        (("--security-opt=mask=" + 65 * "/a:",), "more than 64 paths in MaskedPaths"),
                        (("--security-opt=unmask=" + 65 * "/a:",), "more than 64 paths in UnmaskedPaths"),
                        (("--security-opt=apparmor=",), "the name of an AppArmor profile is empty"),
                        (("--mount=type=bind,source=/x,target=/y,U=true",), "the mount option U is not supported: files keep their owners"),
                        (("--mount=type=bind,source=/x",), "target is missing"),
                        (("--restart=on-failure:x",), 'invalid value "on-failure:x" of --restart'),
                        (("--group-add=keep-groups",), "keep-groups is not supported"),
                        (("--ulimit=nofile",), 'invalid value "nofile" of --ulimit'),
                        (("--ulimit=frobs=1",), 'invalid resource limit "frobs"'),
                        (("--umask=9",), 'invalid value "9" of --umask'),
                        (("--oom-score-adj=2000",), 'invalid value "2000" of --oom-score-adj'),
                        (("--memory-swap=1g",), "--memory-swap needs --memory"),
                        (("--cgroup-conf=cpu.idle=1",), "no property for the file cpu.idle"),
                        (("--device-read-bps=vda:1m",), 'invalid value "vda:1m"'),
                        (("--sysctl=vm.swappiness=1",), "would change the whole machine"),
                        (("--annotation=org.berth1.layers=x",), "invalid annotation"),
                        (("--entrypoint=[1",), 'invalid value "[1" of --entrypoint'),
                        (("--health-startup-cmd=true",), "needs a health check"),
                        (("--init", "--tmpfs=/dev"), "Init needs the container's own /dev"),
                        (("--pull=perhaps",), "--pull takes missing, always, newer or never"),
                        (("--health-interval=soon",), "is not a time span"),
                        (("--publish=80-82:80",), "the ranges must have the same length"),
                        (("--replace",), "--replace needs --name")):
        for verb in ("create", "run"):
            result = dist(verb, *words, IMAGE)
            equal(result.status, 125, words)
            contains(result.err, part)
    equal(good("ps", "-a", "-q"), "")


def test_the_hosts_name():
    own = run("hostname").out
    equal(good("run", "--rm", "--uts=host", IMAGE, "sh", "-c", "hostname; cat /etc/hostname"), own + own)
    equal(good("run", "--rm", "--name=private", "--uts=private", IMAGE, "hostname"), "private\n")
    # The container cannot change the host's name.
    result = dist("run", "--rm", "--uts=host", "--cap-add=SYS_ADMIN", IMAGE, "hostname", "other")
    assert result.status != 0, result
    equal(run("hostname").out, own)
    # In the host's UTS namespace, these options would change the machine.
    for words, part in ((("--hostname=x",), "Hostname and UTSNamespace=host exclude each other"),
                        (("--sysctl=kernel.domainname=x",), "needs a namespace that belongs to the container")):
        contains(dist("create", "--uts=host", *words, IMAGE).err, part)
    good("create", "--name=again", "--uts=host", IMAGE, "cat", "/etc/hostname")
    kill_service()
    equal(good("start", "-a", "again"), own)
    good("rm", "again")


def test_run_accepts_the_log_driver_passthrough():
    equal(good("run", "--rm", "--log-driver=passthrough", IMAGE, "echo", "here"), "here\n")
    contains(dist("run", "-d", "--log-driver=passthrough", IMAGE).err, "--log-driver=passthrough is not supported")


def test_an_absent_image_is_pulled():
    good("rmi", IMAGE)
    result = dist("run", "--rm", "--pull=never", IMAGE, "true")
    equal(result.status, 125)
    contains(result.err, "dist pull")
    equal(good("run", "--rm", IMAGE, "echo", "here"), "here\n")
    equal(good("run", "--rm", "--pull=always", IMAGE, "echo", "again"), "again\n")
    result = dist("run", "--rm", f"{HOST}/podman/nothing:x", "true")
    equal(result.status, 125)
    contains(result.err, "404")


def test_forms_of_a_secret():
    """Those of podman, and of docker build, where the name is a field."""
    show = (IMAGE, "sh", "-c", "cd /run/secrets; stat -c '%n %a' *; cat *")
    source = "/tmp/podman-secret,odd"
    pathlib.Path(source).write_text("mine\n", encoding="utf-8")
    for form, shown in ((f"x={source}", "x 400"), (f"x,src={source}", "x 400"), (f"x,source={source},mode=0444", "x 444"), (f"id=x,src={source}", "x 400"),
                        (f"type=file,id=x,src={source},mode=440", "x 440"), (f"src={source},id=x", "x 400"), (f"id=x,source={source},target=y", "y 400"),
                        (f"x={source},target=/run/secrets/y", "y 400"), (f"id={source}", "id 400"), (f"source={source},target=y", "y 400")):
        equal(good("run", "--rm", f"--secret={form}", *show), f"{shown}\nmine\n")
    for form, why in (("type=mount,source=x,target=y", "--secret=x: there are no credentials of a unit"), ("source=x,type=env", "--secret=x: there are no"),
                      (f"x={source},target=/etc/key", 'the target "/etc/key" is not a name: secrets are files in /run/secrets'),
                      (f"x={source},target=a/b", 'the target "a/b" is not a name'), ("id=x,env=HOME", 'the field "env=HOME" of a secret is not supported'),
                      (f"id=x,src={source},odd=1", f"{source},odd=1"), ("", "a name is missing")):
        result = dist("run", "--rm", f"--secret={form}", IMAGE, "true")
        equal(result.status, 125, result)
        contains(result.err, why)


def test_a_query_is_not_part_of_a_name():
    """A pull would drop it, and nothing with that name would be here afterwards."""
    for verb, *options in (["run", "--rm"], ["create"], ["run", "-d", "--pull=always"]):
        result = dist(verb, *options, f"{IMAGE}?x=y", "true")
        equal((result.status, result.err), (125, f'dist: invalid image name "{IMAGE}?x=y": not a name of an image\n'))


def test_environment():
    with open("/tmp/podman-env", "w", encoding="utf-8") as file:
        file.write("# a comment\nONE=1\n\nFROM_HOST\nTWO=a b\n")
    contains(dist("run", "--rm", "--tz=Nosuch/Zone", IMAGE, "true").err, 'unknown time zone "Nosuch/Zone"')
    assert "TZ=" not in good("run", "--rm", "--tz=", IMAGE, "env")
    for field in ("mode=abc", "uid=root", "type=odd"):
        contains(dist("run", "--rm", f"--secret=name=/etc/hostname,{field}", IMAGE, "true").err, f'invalid field "{field}"')
    hosts = good("run", "--rm", "--network=none", "--add-host=a;b=[::2]", "--add-host=c=192.0.2.1", IMAGE, "tail", "-n3", "/etc/hosts")
    equal(hosts, "::2\ta\n::2\tb\n192.0.2.1\tc\n")
    contains(dist("run", "--rm", "--network=none", "--add-host=me:host-gateway", IMAGE, "true").err,
             'the host "me:host-gateway" needs a network that Berth made; "none" is not one')
    contains(good("run", "--rm", "--network=host", "--add-host=me:host-gateway", IMAGE, "cat", "/etc/hosts"), "127.0.0.1\tme\n")
    out = good("run", "--rm", "--env-file=/tmp/podman-env", "-eONE=2", "--tz=Europe/Berlin", IMAGE, "env", env={"FROM_HOST": "yes"})
    lines = set(out.split("\n"))
    assert {"ONE=2", "FROM_HOST=yes", "TWO=a b", "TZ=Europe/Berlin"} <= lines, lines
    out = good("run", "--rm", "--http-proxy", IMAGE, "env", env={"https_proxy": "http://proxy:3128"})
    contains(out, "https_proxy=http://proxy:3128")
    os.unlink("/tmp/podman-env")


def test_mounts():
    os.makedirs("/tmp/podman-dir", exist_ok=True)
    with open("/tmp/podman-dir/file", "w", encoding="utf-8") as file:
        file.write("of the host")
    equal(good("run", "--rm", "--mount=type=bind,src=/tmp/podman-dir,dst=/mnt,ro,z", IMAGE, "cat", "/mnt/file"), "of the host")
    for field, writable in (("ro=yes", False), ("readonly=1", False), ("rw=no", False), ("ro=no", True), ("rw=yes", True)):
        equal(dist("run", "--rm", f"--mount=type=bind,src=/tmp/podman-dir,dst=/mnt,{field}", IMAGE, "touch", "/mnt/file").status == 0, writable, field)
    for field in ("ro=yse", "rw=perhaps", "U=perhaps"):
        assert dist("run", "--rm", f"--mount=type=bind,src=/tmp/podman-dir,dst=/mnt,{field}", IMAGE, "true").status != 0, field
    good("run", "--rm", "--mount=type=volume,source=podman-volume,target=/data", IMAGE, "sh", "-c", "echo kept >/data/x")
    equal(good("run", "--rm", "-v", "podman-volume:/data:Z", IMAGE, "cat", "/data/x"), "kept\n")
    contains(good("run", "--rm", "--mount=type=tmpfs,target=/x,tmpfs-size=1m", IMAGE, "df", "/x"), "1024")
    contains(good("run", "--rm", "--shm-size=2m", IMAGE, "df", "/dev/shm"), "2048")
    good("volume", "rm", "podman-volume")
    # Whoever passes on a name of a volume from somebody else does not thereby mount a directory of the host.
    for path in ("/etc", "..", ".", "../etc", "x/y"):
        contains(dist("run", "--rm", f"--mount=type=volume,source={path},target=/mnt", IMAGE, "true").err, f"not the path {path}")
    for name in ("one.so", "two.so"):
        with open(f"/tmp/podman-dir/{name}", "w", encoding="utf-8") as file:
            file.write(name)
    equal(good("run", "--rm", "--mount=type=glob,src=/tmp/podman-dir/*.so,dst=/z,ro", IMAGE, "sh", "-c", "cat /z/*; rm /z/one.so 2>/dev/null || echo kept"),
          "one.sotwo.sokept\n")
    equal(good("run", "--rm", "--mount=type=glob,src=/tmp/podman-dir/*.so", IMAGE, "ls", "/tmp/podman-dir"), "one.so\ntwo.so\n")
    equal(good("run", "--rm", "--mount=type=devpts,dst=/dev/pts", IMAGE, "grep", "-c", "/dev/pts ", "/proc/self/mounts"), "1\n")
    for fields, reason in (("type=glob,src=/tmp/podman-dir/*.x,dst=/z", "no path matches"), ("type=glob,dst=/z", "source is missing"),
                           ("type=glob,src=/etc/*,dst=/z", "mount their directory"), ("type=devpts,dst=/x", "only supported in /dev/pts"), ("type=devpts,dst=/dev/pts,mode=0600", '"mode" is not supported'),
                           ("type=ramfs,dst=/x", "use type=tmpfs"), (f"type=image,src={IMAGE},dst=/x,rw=true", "mounted read-only"),
                           ("type=cdrom,dst=/x", "unknown type=cdrom")):
        contains(dist("create", f"--mount={fields}", IMAGE).err, reason)


def test_volumes_without_a_name_go_with_the_container():
    """A volume without a name starts with the image's files, is writable despite --read-only, and is deleted with its
    container."""
    for words in (("-v", "/etc"), ("--mount=type=volume,target=/etc",)):
        good("run", "--name=own", "--read-only", *words, IMAGE, "sh", "-c", "test -e /etc/passwd && echo kept >/etc/own")
        equal(good("start", "-a", "own"), "")
        good("commit", "own", f"{HOST}/podman/committed:x")
        good("rm", "-v", "own")
        equal(good("volume", "ls", "-q"), "")
    assert dist("run", "--rm", "--read-only", IMAGE, "touch", "/etc/own").status != 0
    result = dist("run", "--rm", "--mount=type=volume,target=/etc,readonly", IMAGE, "touch", "/etc/own")
    assert result.status != 0 and "Read-only file system" in result.err, result
    create = ("busctl", "call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create", "ssa{sv}", "own", IMAGE, "2")
    run(*create, "Command", "as", "3", "grep", " /etc ", "/proc/self/mounts", "Mounts", "a(ssas)", "1", "", "/etc", "3", "volume", "noatime", "noexec")
    assert {"noatime", "noexec"} < set(good("start", "-a", "own").split()[3].split(",")), good("inspect", "own")
    good("rm", "own")
    good("rmi", f"{HOST}/podman/committed:x")


def test_mounts_of_another_container():
    os.makedirs("/tmp/podman-dir", exist_ok=True)
    with open("/tmp/podman-dir/file", "w", encoding="utf-8") as file:
        file.write("of the host")
    good("run", "--name=data", "-v", "podman-volume:/data", "-v", "/tmp/podman-dir:/mnt:ro", "-v", "/own", "--tmpfs=/scratch", IMAGE,
         "sh", "-c", "echo kept >/data/x")
    equal(good("run", "--rm", "--volumes-from=data", IMAGE, "cat", "/data/x", "/mnt/file"), "kept\nof the host")
    assert dist("run", "--rm", "--volumes-from=data", IMAGE, "touch", "/mnt/file").status != 0
    assert dist("run", "--rm", "--volumes-from=data:ro", IMAGE, "touch", "/data/x").status != 0
    assert dist("run", "--rm", "--volumes-from=data", IMAGE, "test", "-e", "/own").status != 0
    # A mount in an OCI configuration may lack options.
    with open("/tmp/podman-spec.json", "w", encoding="utf-8") as file:
        json.dump({"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "mount"}]},
                   "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
                   "mounts": [{"destination": "/mnt", "type": "bind", "source": "/tmp/podman-dir"}]}, file)
    good("create", "--id=of-a-spec", "--spec=/tmp/podman-spec.json", IMAGE)
    equal(good("run", "--rm", "--volumes-from=of-a-spec", IMAGE, "cat", "/mnt/file"), "of the host")
    # A directory that is the root of a container is not one of its volumes.
    good("create", "--name=of-a-directory", "-v", "/tmp/podman-dir:/mnt", "--rootfs", "/tmp/podman-root", "true")
    equal(good("run", "--rm", "--volumes-from=of-a-directory", IMAGE, "cat", "/mnt/file"), "of the host")
    # Mounts that result from --pid=host and --ipc=host are not passed on, unlike a bind mount of the host's /proc.
    with open("/dev/shm/podman-ours", "w", encoding="utf-8"):
        pass
    good("create", "--name=wide", "--pid=host", "--ipc=host", "--network=host", "-v", "/proc:/host/proc:ro", IMAGE)
    look = good("run", "--rm", "--volumes-from=wide", IMAGE, "sh", "-c", "ls /dev/shm /proc; echo / of the host; ls -d /host/proc/1; readlink /proc/self")
    parts = look.split("/ of the host\n")
    assert "podman-ours" not in parts[0] and parts[0].split("\n").count("1") == 1, look
    assert parts[1].startswith("/host/proc/1\n") and int(parts[1].split()[1]) < 20, look
    os.unlink("/dev/shm/podman-ours")
    good("rm", "data", "of-a-spec", "of-a-directory", "wide")
    good("volume", "rm", "podman-volume")


def test_paths_are_masked_and_unmasked():
    look = ("cat /proc/keys >/dev/null 2>&1 && wc -c </proc/keys | grep -vq '^0$' && echo keys; (: >>/proc/sys/kernel/ns_last_pid) 2>/dev/null && echo writable; "
            "ls /sys/firmware | grep -q . && echo firmware; ls /sys/kernel | grep -q . && echo kernel; test -s /etc/group && echo group; true")

    def shown(*options):
        return good("run", "--rm", "--userns=host", *options, IMAGE, "sh", "-c", look).split()

    firmware = ["firmware"] if os.listdir("/sys/firmware") else []
    equal(shown(), ["kernel", "group"])
    equal(shown("--security-opt=mask=/sys/kernel:/etc/group"), [])
    equal(shown("--security-opt=unmask=ALL", "--security-opt=mask=/sys/kernel"), ["keys", "writable"] + firmware + ["group"])
    equal(shown("--security-opt", "unmask=/proc/k*:/sys/firmware"), ["keys"] + firmware + ["kernel", "group"])
    equal(shown("--security-opt=unmask=/proc/sys"), ["writable", "kernel", "group"])
    # "*" does not match a slash, and masked paths are masked for executed processes, too.
    equal(shown("--security-opt=unmask=/*"), ["kernel", "group"])
    good("run", "-d", "--name=masked", "--security-opt=mask=/etc/group", IMAGE)
    equal(good("exec", "masked", "cat", "/etc/group"), "")
    good("rm", "-f", "masked")


def test_a_profile_of_apparmor_is_asked_of_the_kernel():
    result = dist("run", "--rm", "--security-opt=apparmor=of-a-test", IMAGE, "true")
    assert result.status not in (0, 1), result
    contains(result.err, "of-a-test")
    good("create", "--id=profiled", "--security-opt=apparmor:of-a-test", IMAGE)
    contains(good("inspect", "profiled"), '"apparmorProfile"')
    good("rm", "profiled")


def test_processes_of_the_host():
    """With --pid=host, a container sees all processes of the host, but cannot signal them or read their environment."""
    look = 'grep -c . /proc/1/cmdline; readlink /proc/1/ns/pid; kill -0 1; echo $?; echo >/proc/sysrq-trigger; cat /proc/1/environ'
    for words in ((), ("--userns=host",)):
        result = dist("run", "--rm", "--pid=host", *words, IMAGE, "sh", "-c", 'test $$ -gt 1 && tr "\\0" " " </proc/$PPID/cmdline; ls /proc | grep -c "^[0-9]"')
        equal(result.status, 0, result)
        assert int(result.out.split()[-1]) > 5, result
    result = dist("run", "--rm", "--pid=host", IMAGE, "sh", "-c", look)
    assert result.status != 0 and "sysrq-trigger" in result.err and "environ" in result.err, result
    good("run", "-d", "--pid=host", "--name=seeing", IMAGE, "sh", "-c", "sleep 1000 & exec sleep 1000")
    good("rm", "-f", "seeing")
    wait_until(lambda: run("pgrep", "-fx", "sleep 1000").status == 1, "the end of all processes")
    # When a container's first process ends, its other processes end, too, and the container can be started again.
    good("run", "-d", "--pid=host", "--name=leaving", IMAGE, "sh", "-c", "sleep 1234 & exec sleep 1")
    good("wait", "leaving")
    wait_until(lambda: run("pgrep", "-fx", "sleep 1234").status == 1, "the end of all its processes")
    good("start", "leaving")
    good("rm", "-f", "leaving")


def test_ipc_objects_of_the_host():
    look = "readlink /proc/self/ns/ipc; ls /dev/shm; test -d /dev/mqueue; echo of the container >/dev/shm/podman-theirs"
    with open("/dev/shm/podman-ours", "w", encoding="utf-8"):
        pass
    shown = good("run", "--rm", "--ipc=host", IMAGE, "sh", "-c", look).split("\n")
    equal(shown[0], os.readlink("/proc/self/ns/ipc"))
    assert "podman-ours" in shown, shown
    os.unlink("/dev/shm/podman-theirs")
    shown = good("run", "--rm", "--ipc=private", IMAGE, "sh", "-c", look).split("\n")
    assert shown[0] != os.readlink("/proc/self/ns/ipc") and "podman-ours" not in shown, shown
    os.unlink("/dev/shm/podman-ours")
    good("pod", "create", "podman-pod")
    contains(dist("create", "--pod=podman-pod", "--ipc=host", IMAGE).err, "IPCNamespace and Pod exclude each other")
    clean()


def test_descriptors_keep_their_numbers():
    look = 'exec 5</etc/hostname 7</etc/hosts; exec dist "$@"'
    shown = run("sh", "-c", look, "sh", "run", "--rm", "--preserve-fd=7,5", IMAGE, "sh", "-c",
                "readlink /proc/self/fd/3; readlink /proc/self/fd/5; readlink /proc/self/fd/7").out
    equal(shown.split(), ["/dev/null", "/etc/hostname", "/etc/hosts"])
    result = dist("run", "--rm", "--preserve-fd=9", IMAGE)
    equal((result.status, result.err), (125, "dist: descriptor 9 is not open: there is nothing to preserve\n"))
    contains(dist("run", "--rm", "--preserve-fd=2", IMAGE).err, 'invalid value "2" of --preserve-fd')


def test_env_merge_refers_to_variables_of_the_image():
    equal(good("run", "--rm", "--env-merge=PATH=/opt/bin:${PATH}", "--env-merge=X=$PATH$NONE-", IMAGE, "sh", "-c", "echo $PATH $X").split(),
          ["/opt/bin:/bin", "/bin-"])
    good("rmi", IMAGE)
    equal(good("run", "--rm", "--env-merge=A=[${PATH}]", IMAGE, "sh", "-c", "echo $A"), "[/bin]\n")


def test_gpus_are_devices_of_cdi():
    for gpus in ("all", "device=0", '"device=0,1"', "nvidia.com/gpu=1"):
        equal(good("run", "--rm", f"--gpus={gpus}", IMAGE, "sh", "-c", "test -c /dev/nvidia0 && echo $GPU"), "yes\n")


def test_required_containers_are_started_first():
    good("create", "--name=db", IMAGE)
    good("run", "-d", "--name=app", "--requires=db", IMAGE)
    equal(sorted(good("ps", "-q").split()), ["app", "db"])
    equal(good("run", "--rm", "--requires=db,app", IMAGE, "echo", "there"), "there\n")
    equal(dist("run", "--rm", "--requires=nobody", IMAGE, "echo", "there").status, 125)
    clean()


def test_signals_end_dist_alone():
    process = subprocess.Popen(["dist", "run", "--name=deaf", "--sig-proxy=false", IMAGE, "sh", "-c", "echo ready; exec sleep 1000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    equal(process.stdout.readline(), "ready\n")
    process.terminate()
    # The container shares dist's standard error, and keeps running.
    equal(process.stderr.readline(), 'dist: deaf continues without dist; "dist stop deaf" stops it\n')
    equal(process.wait(60), 128 + 15)
    equal(good("ps", "-q"), "deaf\n")
    clean()


def test_names_and_files():
    good("create", "--name=one", "--cidfile=/tmp/podman-cid", IMAGE)
    with open("/tmp/podman-cid", encoding="utf-8") as file:
        equal(file.read(), "one")
    contains(dist("create", "--name=other", "--cidfile=/tmp/podman-cid", IMAGE).err, "exists already")
    contains(dist("create", "--name=one", IMAGE).err, "dist rm one")
    good("run", "-d", "--name=one", "--replace", IMAGE)
    good("run", "-d", "--name=one", "--replace", "--log-driver=none", IMAGE, "sh", "-c", "echo lost; sleep 1000")
    clean()


def test_limits():
    good("create", "--name=small", "-m64m", "--pids-limit=33", "--cpu-quota=50000", "--cpu-shares=2048", IMAGE)
    good("start", "small")
    shown = run("systemctl", "show", "berth-small.scope", "-p", "MemoryMax", "-p", "TasksMax", "-p", "CPUQuotaPerSecUSec", "-p", "CPUWeight").out
    for part in ("MemoryMax=67108864", "TasksMax=33", "CPUQuotaPerSecUSec=500ms", "CPUWeight=79"):
        contains(shown, part)
    clean()


def test_entry_points_and_variables():
    equal(good("run", "--rm", '--entrypoint=["/bin/echo","a b"]', IMAGE, "c"), "a b c\n")
    equal(good("run", "--rm", "--entrypoint=/bin/echo", IMAGE), "\n")
    equal(good("run", "--rm", "--entrypoint=", IMAGE, "echo", "plain"), "plain\n")
    lines = good("run", "--rm", "--unsetenv=PATH", IMAGE, "/bin/env").split("\n")
    assert not {"PATH=/bin"} & set(lines), lines


def test_init_passes_on_and_reaps():
    equal(good("run", "--rm", "--init", IMAGE, "sh", "-c", "ps -o pid,comm | grep -c init; echo $$").split()[-1], "2")
    equal(dist("run", "--rm", "--init", IMAGE, "sh", "-c", "exit 7").status, 7)
    equal(dist("run", "--rm", "--init", IMAGE, "/none").status, 127)
    good("run", "-d", "--init", "--name=first", IMAGE, "sh", "-c", "trap 'exit 9' TERM; (sleep 0.1 &); while :; do sleep 0.1; done")
    wait_until(lambda: "sleep 0.1" in good("exec", "first", "ps"), "the command runs")
    # The orphan may be visible between its end and its reaping.
    wait_until(lambda: "[sh]" not in good("exec", "first", "ps"), "the orphan is reaped")
    good("stop", "first")
    equal(dist("wait", "first").status, 9)
    clean()


def test_options_about_the_process():
    shown = good("run", "--rm", "--ulimit=nofile=100:200", "--ulimit=core=0", "--umask=0027", "--group-add=4242", "--oom-score-adj=77",
                 "--sysctl=net.ipv4.ping_group_range=3 9", "--personality=LINUX32", "-u", "0", IMAGE, "sh", "-c",
                 "ulimit -Sn; ulimit -Hn; ulimit -c; umask; id -G; cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ping_group_range; uname -m")
    lines = shown.split("\n")
    equal(lines[:4], ["100", "200", "0", "0027"])
    assert "4242" in lines[4].split(), lines
    equal(lines[5:7], ["77", "3\t9"])
    equal(lines[7] != platform.machine(), platform.machine() == "x86_64")


def test_limits_of_the_scope():
    good("run", "-d", "--name=small", "-m64m", "--memory-swap=96m", "--memory-reservation=16m", "--blkio-weight=10", "--cpuset-cpus=0",
         "--cgroup-conf=memory.high=32M", "--device-read-bps=/dev/null:1m", "--timeout=3600", IMAGE)
    shown = run("systemctl", "show", "berth-small.scope", "-p",
                "MemorySwapMax,MemoryLow,MemoryHigh,IOWeight,AllowedCPUs,IOReadBandwidthMax,RuntimeMaxUSec").out
    for part in ("MemorySwapMax=33554432", "MemoryLow=16777216", "MemoryHigh=33554432", "IOWeight=1\n", "AllowedCPUs=0\n",
                 "IOReadBandwidthMax=/dev/null 1048576", "RuntimeMaxUSec=1h\n"):
        contains(shown, part)
    # The time begins with the scope, before the command runs.
    equal(dist("run", "--rm", "--init", "--timeout=10", IMAGE, "sleep", "1000").status, 143)
    clean()


def test_restarts_have_a_limit():
    good("run", "-d", "--name=poor", "--restart=on-failure:2", IMAGE, "false")

    def count():
        return details("poor")["RestartCount"]

    wait_until(lambda: count() == 2, "two restarts")
    wait_until(lambda: kinds("poor").count("exit") == 3, "the last exit")
    kill_service()
    equal(dist("wait", "poor").status, 1)
    equal((count(), kinds("poor").count("start")), (2, 3))
    clean()


def test_a_startup_is_checked_first():
    good("run", "-d", "--name=slow", "--health-cmd=test -e /tmp/well", "--health-interval=100ms", "--health-startup-cmd=test -e /tmp/begun",
         "--health-startup-interval=100ms", "--health-startup-success=2", "--health-retries=1", IMAGE)

    def health():
        return details("slow")["Health"]

    equal(health(), "starting")
    good("exec", "slow", "sh", "-c", "mkdir -p /tmp && touch /tmp/begun")
    wait_until(lambda: health() == "unhealthy", "the startup is over, and it is not well")
    good("exec", "slow", "touch", "/tmp/well")
    wait_until(lambda: health() == "healthy", "it is well")
    clean()


def test_the_image_goes_with_the_container():
    good("tag", IMAGE, f"{HOST}/podman/gone:x")
    good("run", "--rmi", f"{HOST}/podman/gone:x", "true")
    equal(f"{HOST}/podman/gone:x" in good("images", "--format=NAME"), False)
    contains(dist("run", "-d", "--rmi", IMAGE).err, "--rmi needs an image")
    equal(good("ps", "-aq"), "")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
