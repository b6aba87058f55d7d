#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unit files and the units that the generator writes from them: each key of docs/quadlet.md has the effect that the
page describes, and everything in a unit comes from its files."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import traceback

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(SOURCE / "tests" / "tools"))
import quadlets  # pylint: disable=wrong-import-position
BUILD = pathlib.Path(sys.argv[1])


def equal(found, expected, what=""):
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"


def contains(text, part):
    assert part in text, f"{part!r} is not in {text!r}"


class Unit:
    def __init__(self, text):
        self.sections = {}
        for line in text.replace("\\\n", " ").split("\n"):
            if line.startswith("["):
                values = self.sections.setdefault(line[1:-1], [])
            elif line and not line.startswith("#"):
                values.append(tuple(line.split("=", 1)))

    def all(self, section, key):
        return [value for name, value in self.sections.get(section, []) if name == key]

    def one(self, section, key):
        found = self.all(section, key)
        assert len(found) == 1, f"{key}: {found}"
        return found[0]

    def command(self, key="ExecStart"):
        return shlex.split(self.one("Service", key))


def lines_of_systemd(text):
    """Returns the sections of a unit with their keys and values, in order, as systemd reads them (conf-parser.c)."""
    logical, section, found = "", None, []
    for line in re.split("[\r\n]", text):
        if line.lstrip()[:1] in ("#", ";"):
            continue
        logical += line
        if len(line) - len(line.rstrip("\\")) & 1:
            logical = logical[:-1] + " "
            continue
        logical, line = "", logical.strip()
        if line.startswith("["):
            section = line
        elif line:
            found.append((section, line.split("=", 1)[0].strip()))
    return found


class Files:
    """A directory of unit files, whose names are paths below it. The content None stands for a link to /dev/null, and a
    tuple for a link to its element."""

    def __init__(self, **more):
        # The thousands of small files are in memory, as the test would be slow on a busy disk.
        self.work = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.root = pathlib.Path(self.work.name)
        self.units = self.root / "first"
        self.out = self.root / "out"
        self.more = more

    def __enter__(self):
        for name in ("first", "second", "out"):
            (self.root / name).mkdir()
        return self

    def __exit__(self, *unused):
        self.work.cleanup()

    def add(self, name, text, where="first"):
        path = self.root / where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str):
            path.write_text(text, encoding="utf-8")
        elif isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.symlink_to("/dev/null" if text is None else text[0])
        return path

    def environment(self):
        return {**os.environ, "BERTH_UNIT_DIRS": f"{self.units}:{self.root / 'second'}", "LC_ALL": "C.UTF-8", **self.more}

    def generate(self):
        """Runs the generator, and returns its messages without the directory's name."""
        result = subprocess.run([BUILD / "generator" / "berth-generator", self.out, self.out, self.out], capture_output=True,
                                encoding="utf-8", env=self.environment(), check=False)
        equal((result.returncode, result.stdout), (0, ""))
        return [line.replace(f"{self.root}/first/", "") for line in result.stderr.splitlines()]

    def unit(self, name):
        return Unit((self.out / name).read_text(encoding="utf-8"))

    def names(self):
        return sorted(str(path.relative_to(self.out)) for path in self.out.rglob("*") if not path.is_dir())

    def dist(self, *words):
        return subprocess.run([BUILD / "client" / "dist-client", "unit", *words], capture_output=True, encoding="utf-8",
                              env=self.environment(), check=False)


def generated(text, name="web.container"):
    with Files() as files:
        files.add(name, text)
        equal(files.generate(), [])
        return files.unit(files.names()[0])


def refused(text, name="web.container"):
    with Files() as files:
        files.add(name, text)
        problems = files.generate()
        equal(files.names(), [])
        return problems


def test_the_documentation_has_every_key():
    source = (SOURCE / "generator" / "keys.c").read_text(encoding="utf-8")
    for kind in quadlets.KINDS:
        table = source.split(f"{kind}_keys[] = {{", 1)[1].split("\n};", 1)[0]
        known = re.findall(r'(?:TEXT|LIST|WORDS|FLAG|OWN|REFUSED)\("(\w+)"', table)
        equal([key for key, *_ in quadlets.documented_keys(kind)], known)


def test_every_key_is_converted_as_documented():
    for kind in quadlets.KINDS:
        for key, what, how, line in quadlets.documented_keys(kind):
            if not line:
                continue
            text, number = quadlets.with_key(kind, key, line)
            with Files() as files:
                files.add(f"x.{kind}", text)
                problems = files.generate()
                if what == "refused":
                    equal(problems, [f"x.{kind}:{number}: {key}= is not supported: {how}"])
                    equal(files.names(), [])
                else:
                    equal((key, problems, len(files.names())), (key, [], 2 if kind == "image" else 1))


def test_an_option_has_the_value_of_its_key():
    for line, words in (("HostName=box", ["--hostname=box"]),
                        ("Environment=A=b \"C=d e\" 'F=g\"h'\nEnvironment=I=\\x41", ["--env=A=b", "--env=C=d e", '--env=F=g"h', "--env=I=A"]),
                        ("HealthCmd=\"curl -f http://localhost || exit 1\"", ["--health-cmd=curl -f http://localhost || exit 1"]),
                        ("HealthCmd=sh -c \"true\"", ['--health-cmd=sh -c "true"']),
                        ("PublishPort=1:1\nPublishPort=\nPublishPort=2:2\nPublishPort=3:3\nPublishPort=80", ["--publish=2:2", "--publish=3:3", "--publish=80"]),
                        ("HostName=a\nHostName=b", ["--hostname=b"]),
                        ("DropCapability=CHOWN KILL", ["--cap-drop=CHOWN", "--cap-drop=KILL"]),
                        ("ReadOnly=yes", ["--read-only"]),
                        ("User=1\nGroup=2", ["--user=1:2"]),
                        ("AddDevice=-/nothing /dev/null", ["--device=/dev/null"]),
                        ("PodmanArgs=--memory 64m -e A=b", ["--memory", "64m", "-e", "A=b"]),
                        ("Label=a=%%b", ["--label=a=%%b"]),
                        ("Mask=/proc/a:/b\nUnmask=ALL\nAppArmor=mine", ["--security-opt=apparmor=mine", "--security-opt=mask=/proc/a:/b", "--security-opt=unmask=ALL"]),
                        ("Mask=/proc/a \"/b c\"\nMask=/d:/e\nUnmask=/f /g",
                         ["--security-opt=mask=/proc/a", "--security-opt=mask=/b c", "--security-opt=mask=/d:/e", "--security-opt=unmask=/f",
                          "--security-opt=unmask=/g"]),
                        ("EnvironmentFile=/etc/a -/etc/b\nEnvironmentFile=-%h/c", ["--env-file=/etc/a", "--env-file=-/etc/b", "--env-file=-%h/c"]),
                        ("Secret=key,uid=1000,gid=1001,mode=0440,target=k", ["--secret=key,target=k,uid=1000,gid=1001,mode=0440"]),
                        ("LogOpt=tag=web", []),
                        ("AutoUpdate=local", ["--label=io.containers.autoupdate=local"])):
        unit = generated(f"[Container]\nImage=localhost/box:x\n{line}\n")
        command = unit.command()
        found = [word for word in command[2:command.index("localhost/box:x")]
                 if word.split("=")[0] not in ("--name", "--replace", "--rm", "--cgroup", "--notify")]
        equal(found, words, line)


def test_the_command_follows_the_image():
    command = generated("[Container]\nImage=localhost/box:x\nExec=sh -c 'echo \"a  b\"; true' \"#no\" ';' $$x \\\n  %i\n").command()
    equal(command[command.index("localhost/box:x") + 1:], ["sh", "-c", 'echo \\"a  b\\"; true'.replace("\\", ""), "#no", ";", "$$x", "%i"])


def test_an_empty_entry_point_is_none():
    for lines, found in (("Entrypoint=\n", ["--entrypoint="]), ('Entrypoint=""\n', ["--entrypoint="]), ("Entrypoint=/a\nEntrypoint=\n", ["--entrypoint="]),
                         ("Entrypoint=\nEntrypoint=/a\n", ["--entrypoint=/a"]), ("", [])):
        command = generated(f"[Container]\nImage=localhost/box:x\n{lines}").command()
        equal([word for word in command if word.startswith("--entrypoint")], found, lines)


def test_a_unit_has_what_a_container_needs():
    unit = generated("[Container]\nImage=localhost/box:x\n")
    for key, value in (("Type", "notify"), ("Delegate", "yes"), ("KillMode", "mixed"), ("SyslogIdentifier", "%N"), ("TimeoutStartSec", "15min")):
        equal(unit.one("Service", key), value)
    equal((unit.all("Unit", "After"), unit.all("Unit", "Wants")), (["berthd.service", "network-online.target"], ["network-online.target"]))
    assert unit.one("Unit", "SourcePath").endswith("/first/web.container")
    equal(unit.command()[:2], ["/usr/bin/dist", "run"])
    contains(unit.command(), "--name=systemd-%N")
    equal(unit.all("Service", "ExecStop"), [], "dist passes SIGTERM on")
    contains(unit.command(), "--cgroup=caller")
    contains(unit.command(), "--notify=started")
    equal(unit.command("ExecStopPost"), ["-/usr/bin/dist", "rm", "--force", "--ignore", "systemd-%N"])
    equal(unit.all("Service", "ExecReload"), [])


def test_explicit_settings_override_defaults():
    unit = generated("[Unit]\nDescription=x\n[Container]\nImage=i\nStopTimeout=100\nContainerName=c\nReloadSignal=HUP\n[Service]\nType=oneshot\n"
                     "KillMode=control-group\nSyslogIdentifier=me\nTimeoutStopSec=5\nDelegate=cpu\n[Quadlet]\nDefaultDependencies=no\n"
                     "[Install]\nWantedBy=a.target\n[X-Mine]\nFoo=bar\n")
    for key, value in (("Type", "oneshot"), ("Delegate", "cpu"), ("KillMode", "control-group"), ("SyslogIdentifier", "me"), ("TimeoutStopSec", "5")):
        equal(unit.one("Service", key), value)
    equal((unit.all("Unit", "After"), unit.all("Service", "TimeoutStartSec")), (["berthd.service"], []))
    equal(unit.one("Unit", "Description"), "x")
    equal(unit.one("Install", "WantedBy"), "a.target")
    equal(unit.command("ExecReload")[1:], ["kill", "--signal=HUP", "c"])
    equal(sorted(unit.sections), ["Install", "Service", "Unit"])
    # The default of systemd, 90 s, may be shorter on the host.
    for seconds, found in (("100", ["110"]), ("60", ["90"]), ("10", [])):
        equal(generated(f"[Container]\nImage=i\nStopTimeout={seconds}\n").all("Service", "TimeoutStopSec"), found)
    equal(generated("[Container]\nImage=i\nLogOpt=tag=a tag=%p\n").one("Service", "SyslogIdentifier"), "%p")
    equal(generated("[Container]\nImage=i\nLogOpt=tag=a\n[Service]\nSyslogIdentifier=b\n").one("Service", "SyslogIdentifier"), "b")


def test_an_image_has_a_mount():
    with Files() as files:
        files.add("a-b.image", "[Image]\nImage=example.com/x:1\n")
        equal(files.generate(), [])
        equal(files.names(), ["a-b-image.service", "run-berth-images-a\\x2db.mount"])
        equal(files.unit("a-b-image.service").one("Service", "NotifyAccess"), "main")
        unit = files.unit("run-berth-images-a\\x2db.mount")
        for key, value in (("What", "example.com/x:1"), ("Where", "/run/berth/images/a-b"), ("Type", "berth")):
            equal(unit.all("Mount", key), [value])
        contains(unit.all("Unit", "Requires"), "a-b-image.service")


def test_a_pod_and_its_containers_depend_on_each_other():
    with Files() as files:
        files.add("shop.pod", "[Unit]\nAfter=db.container\n[Pod]\nPublishPort=8080:80\nNetwork=front.network:ip=10.9.0.7\nNetwork=back\n")
        files.add("shop.pod.d/more.conf", "[Pod]\nHostName=box\n")
        files.add("front.network", "[Network]\n")
        files.add("db.container", "[Container]\nImage=i\n")
        files.add("web.container", "[Container]\nImage=i\nPod=shop.pod\n")
        files.add("later.container", "[Container]\nImage=i\nPod=shop.pod\nStartWithPod=no\n")
        files.add("many@.container", "[Container]\nImage=i\nPod=shop.pod\n")
        files.add("many@one.container", ("many@.container",))
        equal(files.generate(), [])
        pod, web = files.unit("shop-pod.service"), files.unit("web.service")
        equal(pod.command()[1:3], ["pod", "run"])
        equal(sorted(pod.command()[3:]), sorted(["--replace", "--rm", "--cgroup=caller", "--exit-policy=stop", "--publish=8080:80",
                                                 "--network=systemd-front:ip=10.9.0.7", "--network=back", "--hostname=box", "systemd-shop"]))
        equal(pod.command("ExecStopPost")[1:], ["pod", "rm", "--force", "--ignore", "systemd-shop"])
        for key, value in (("Type", "notify"), ("Restart", "on-failure"), ("Delegate", "yes"), ("KillMode", "mixed")):
            equal(pod.one("Service", key), value)
        equal(sorted(pod.all("Unit", "Wants")), ["many@one.service", "network-online.target", "web.service"])
        equal(sorted(pod.all("Unit", "Before")), ["many@one.service", "web.service"])
        for name in ("db.service", "front-network.service"):
            contains(pod.all("Unit", "After"), name)
        equal(pod.all("Unit", "Requires"), ["front-network.service"])
        for unit in (web, files.unit("later.service"), files.unit("many@.service")):
            equal(unit.all("Unit", "BindsTo"), ["shop-pod.service"])
            contains(unit.all("Unit", "After"), "shop-pod.service")
            contains(unit.command(), "--pod=systemd-shop")


def test_a_wrong_value_is_named_with_its_line():
    """What dist or the service would refuse when the unit starts."""
    span, number, size = "a time span such as 1m30s", "a number", "a size such as 512M"
    for key, right, wrong, wanted in (
            ("AddHost", "db:10.0.0.1 db=10.0.0.1 a;b:[fd00::1] db:host-gateway", "db :10.0.0.1 db:", "NAME:ADDRESS"),
            ("DNS", "1.1.1.1 fd00::1", "one", "an address"),
            ("HealthInterval", "30s 1m30s 500ms 7", "x 5q disable -1s", span),
            ("HealthOnFailure", "none kill stop", "restart Kill", "none, kill or stop; after kill, Restart= applies"),
            ("HealthRetries", "3", "x -1", number),
            ("HealthStartPeriod", "5s", "x", span),
            ("HealthStartupInterval", "5s", "x", span),
            ("HealthStartupRetries", "3", "x", number),
            ("HealthStartupSuccess", "3", "x", number),
            ("HealthStartupTimeout", "5s", "x", span),
            ("HealthTimeout", "5s", "x", span),
            ("IP", "10.9.0.7", "fd00::1 10.9.0.0/24 ten", "an IPv4 address"),
            ("IP6", "fd00::1", "10.9.0.7", "an IPv6 address"),
            ("Memory", "512M 1.5g 0 100kb", "abc 5x -1", size),
            ("PidsLimit", "100 -1 0", "many", number),
            ("PublishPort", "80 8080:80 127.0.0.1:8080:80/tcp [::1]:53:53/udp 127.0.0.1::80 8000-8002:80-82 :80",
             "abc 80:80/xyz 99999:80 80-90:80 ten:80:80", "[ADDRESS:][HOST:]CONTAINER[/PROTOCOL], such as 8080:80"),
            ("ReloadSignal", "HUP SIGHUP 1 RTMIN+3", "NONE", "a signal such as SIGTERM"),
            ("Retry", "3", "x", number),
            ("RetryDelay", "3s", "x", span),
            ("ShmSize", "64m", "x", size),
            ("StopSignal", "TERM SIGINT 15", "SIGNO", "a signal such as SIGTERM"),
            ("StopTimeout", "30", "soon", "a number of seconds"),
            ("Timezone", "local UTC", "Mars/Olympus", "local, or a time zone of timedatectl list-timezones"),
            ("Tmpfs", "/tmp /tmp:size=1m", "tmp", "PATH[:OPTIONS] with an absolute path"),
            ("Ulimit", "nofile=1024 nofile=1:2", "nofile", "NAME=SOFT[:HARD], such as nofile=1024"),
            ("Umask", "0022 22", "9", "an octal number such as 0022"),
            ("Volume", "/a:/b data:/b:ro /b", "bad a:b", "[SOURCE:]PATH[:OPTIONS] with an absolute path in the container")):
        for value in [*right.split(), "%i", "$X", ""]:
            with Files() as files:
                files.add("web.container", f"[Container]\nImage=i\n{key}={value}\n")
                equal(files.generate(), [], f"{key}={value}")
        for value in wrong.split():
            equal(refused(f"[Container]\nImage=i\n{key}={value}\n"), [f"web.container:3: {key}={value} is not valid; use {wanted}"])
    equal(refused("[Network]\nSubnet=10.9.0.0\nGateway=x\n", "x.network"),
          ["x.network:2: Subnet=10.9.0.0 is not valid; use a subnet such as 10.90.0.0/24", "x.network:3: Gateway=x is not valid; use an address"])
    # Mistakes are listed in the order of the lines.
    equal([line.split(":")[1] for line in refused("[Container]\nImage=i\nTmpfs=a\nVolume=a\nUserNS=a\nFoo=a\nDNS=a\n[Service]\nType=a\n")],
          ["3", "4", "5", "6", "7", "9"])
    equal(refused("[Pod]\nPublishPort=abc\n", "x.pod"),
          ["x.pod:2: PublishPort=abc is not valid; use [ADDRESS:][HOST:]CONTAINER[/PROTOCOL], such as 8080:80"])
    for word in ("--memory=abc", "--memory abc", "-m abc"):
        equal(refused(f"[Container]\nImage=i\nPodmanArgs={word}\n"),
              ["web.container:3: PodmanArgs=: --memory=abc is not valid; use a size such as 512M"])


def test_a_container_joins_the_network_of_another():
    with Files() as files:
        files.add("vpn.container", "[Container]\nImage=i\nPublishPort=8080:80\n")
        files.add("named.container", "[Container]\nImage=i\nContainerName=out-%N\n")
        files.add("many@.container", "[Container]\nImage=i\n")
        files.add("client.container", "[Container]\nImage=i\nNetwork=vpn.container\n")
        files.add("other.container", "[Container]\nImage=i\nNetwork=named.container\n")
        files.add("each@.container", "[Container]\nImage=i\nNetwork=many@.container\n")
        files.add("own.container", "[Container]\nImage=i\nNetwork=container:mine\n")
        equal(files.generate(), [])
        for name, network, service in (("client", "systemd-vpn", "vpn"), ("other", "out-named", "named"), ("each@", "systemd-many_%i", "many@%i")):
            unit = files.unit(f"{name}.service")
            contains(unit.command(), f"--network=container:{network}")
            equal(unit.all("Unit", "Requires"), [f"{service}.service"])
            contains(unit.all("Unit", "After"), f"{service}.service")
            equal(unit.all("Unit", "BindsTo"), [])
        contains(files.unit("own.service").command(), "--network=container:mine")
    for text, problem in (("Network=none.container", "web.container:3: Network=: there is no unit file none.container"),
                          ("Network=web.container", "web.container:3: Network=web.container: a container cannot join its own network"),
                          ("Network=vpn.container:ip=10.0.0.1", "web.container:3: Network=vpn.container:ip=10.0.0.1: the network of another "
                                                                "container has no options"),
                          ("Network=back\nNetwork=vpn.container", "web.container:4: Network=vpn.container: with another container's network there "
                                                                 "is no further one"),
                          ("Network=vpn.container\nPublishPort=80", "web.container:4: PublishPort= is not supported: set it in vpn.container, "
                                                                   "whose network is joined"),
                          ("Network=vpn.container\nDNS=1.1.1.1", "web.container:4: DNS= is not supported: set it in vpn.container, whose "
                                                                "network is joined")):
        with Files() as files:
            files.add("vpn.container", "[Container]\nImage=i\n")
            files.add("web.container", f"[Container]\nImage=i\n{text}\n")
            equal(files.generate(), [problem])
            equal(files.names(), ["vpn.service"])
    with Files() as files:
        files.add("vpn.container", "[Container]\nImage=i\n")
        files.add("shop.pod", "[Pod]\nNetwork=vpn.container\n")
        equal(files.generate(), ["shop.pod:2: Network= is not supported: a pod has a network of its own; use Pod= in the other file"])
    with Files() as files:
        files.add("a.container", "[Container]\nImage=i\nNetwork=b.container\n")
        files.add("b.container", "[Container]\nImage=i\nNetwork=a.container\n")
        for line in files.generate():
            contains(line, "units wait for each other")


def test_a_build_is_done_before_its_containers_start():
    for lines, words in (("SetWorkingDirectory=/srv/a", ["/srv/a"]),
                         ("SetWorkingDirectory=/srv/a\nFile=sub/Containerfile", ["--file=/srv/a/sub/Containerfile", "/srv/a"]),
                         ("SetWorkingDirectory=/srv/a\nFile=/else/File", ["--file=/else/File", "/srv/a"]),
                         ("SetWorkingDirectory=file\nFile=/srv/b/File", ["--file=/srv/b/File", "/srv/b"]),
                         ("SetWorkingDirectory=file\nFile=box/File", ["--file=UNITS/box/File", "UNITS/box"]),
                         ("SetWorkingDirectory=unit\nFile=File", ["--file=UNITS/File", "UNITS"]),
                         ("SetWorkingDirectory=box", ["UNITS/box"]),
                         ("SetWorkingDirectory=Unit\nFile=File", ["--file=UNITS/File", "UNITS"]),
                         ("SetWorkingDirectory=FILE\nFile=/srv/b/File", ["--file=/srv/b/File", "/srv/b"]),
                         ("File=sub/File\n[Service]\nWorkingDirectory=/srv/c", ["--file=/srv/c/sub/File", "/srv/c"]),
                         ("SetWorkingDirectory=box\n[Service]\nWorkingDirectory=/srv/c", ["UNITS/box"]),
                         ("File=\"/srv/my app/File\"", ["--file=/srv/my app/File", "/srv/my app"]),
                         ("File=/srv/b/File\nPull=newer\nTarget=last\nBuildArg=A=b \"C=d e\"\nImageTag=localhost/other:x",
                          ["--file=/srv/b/File", "--pull", "--build-arg=A=b", "--build-arg=C=d e", "--tag=localhost/other:x", "--target=last", "/srv/b"])):
        with Files() as files:
            files.add("x.build", f"[Build]\nImageTag=localhost/box:x\n{lines}\n")
            files.add("web.container", "[Container]\nImage=x.build\n")
            equal(files.generate(), [])
            build, web = files.unit("x-build.service"), files.unit("web.service")
            command = [os.path.normpath(word.replace(str(files.units), "UNITS")) for word in build.command()]
            equal(command[1], "build")
            equal([word for word in command[2:] if word != "--tag=localhost/box:x"], words, lines)
            equal((build.one("Service", "Type"), build.one("Service", "RemainAfterExit")), ("oneshot", "yes"))
            equal(web.all("Unit", "Requires"), ["x-build.service"])
            contains(web.all("Unit", "After"), "x-build.service")
            assert web.command()[-1] in ("localhost/box:x", "localhost/other:x")
    for text, problem in (("ImageTag=x\n", "x.build:1: [Build] needs SetWorkingDirectory=, or File= with an absolute path"),
                          ("ImageTag=x\nFile=File\n", "x.build:3: [Build] needs SetWorkingDirectory=, or File= with an absolute path"),
                          ("SetWorkingDirectory=unit\n", "x.build:1: [Build] needs ImageTag="),
                          ("ImageTag=x\nSetWorkingDirectory=https://example.com/x.git\n", "x.build:3: SetWorkingDirectory= is not supported: dist builds from a directory"),
                          ("ImageTag=x\nSetWorkingDirectory=unit\nPull=never\n", 'x.build:4: Pull= takes always, newer or missing, not "never"'),
                          ("ImageTag=x\nSetWorkingDirectory=unit\n[Service]\nType=simple\n", "x.build:5: Type= can only be oneshot here")):
        equal(refused(f"[Build]\n{text}", "x.build"), [problem])


def test_a_build_has_the_options_of_buildah():
    unit = generated("[Build]\nImageTag=localhost/app:x\nSetWorkingDirectory=/srv/app\nAnnotation=a=b c=d\nEnvironment=E=f \"G=h i\"\nIgnoreFile=list\n"
                     "Network=none\nVolume=/srv/cache:/cache:ro\nVolume=./here:/there\nDNS=1.1.1.1\nForceRM=yes\nTLSVerify=no\nRetry=3\nRetryDelay=2s\n", "app.build")
    command = [re.sub("=/[^:]*/first", "=UNITS", word) for word in unit.command()]
    for word in ("--annotation=a=b", "--annotation=c=d", "--env=E=f", "--env=G=h i", "--ignorefile=/srv/app/list", "--network=none",
                 "--volume=/srv/cache:/cache:ro", "--volume=UNITS/here:/there", "--dns=1.1.1.1", "--force-rm", "--tls-verify=false", "--retry=3", "--retry-delay=2s"):
        contains(command, word)
    for line, why in (("Network=web.network", "a build runs in the network none, host or private"), ("Volume=data.volume:/data", "a build mounts directories of the host only")):
        contains(refused(f"[Build]\nImageTag=localhost/app:x\nSetWorkingDirectory=/srv/app\n{line}\n", "app.build")[0],
                 f"app.build:4: {line.split('=')[0]}= is not supported: {why}")


def test_an_image_may_be_of_another_platform():
    for lines, words in (("Arch=arm64\nVariant=v8", ["--platform=linux/arm64/v8"]), ("OS=linux", []), ("Arch=amd64\nOS=linux\nRetry=5", ["--platform=linux/amd64", "--retry=5"])):
        equal(generated(f"[Image]\nImage=localhost/box:x\n{lines}\n", "a.image").command()[2:-1], words)
    equal(refused("[Image]\nImage=localhost/box:x\nVariant=v8\n", "a.image"), ["a.image:3: Variant= needs Arch="])


def test_the_stop_timeout_of_a_pod_applies_to_its_containers():
    with Files() as files:
        files.add("shop.pod", "[Pod]\nStopTimeout=120\n")
        files.add("one.container", "[Container]\nImage=i\nPod=shop.pod\n")
        files.add("two.container", "[Container]\nImage=i\nPod=shop.pod\nStopTimeout=5\n")
        equal(files.generate(), [])
        contains(files.unit("one.service").command(), "--stop-timeout=120")
        equal(files.unit("one.service").one("Service", "TimeoutStopSec"), "130")
        equal([word for word in files.unit("two.service").command() if "stop-timeout" in word], ["--stop-timeout=5"])
        equal(files.unit("two.service").all("Service", "TimeoutStopSec"), [])
    equal(refused("[Pod]\nStopTimeout=soon\n", "shop.pod"), ['shop.pod:2: StopTimeout= takes a number of seconds, not "soon"'])


def test_containers_may_not_set_options_of_their_pod():
    with Files() as files:
        files.add("shop.pod", "[Pod]\nPodName=shop\n")
        for line in ("AddHost=a:10.0.0.1", "DNS=1.1.1.1", "DNSOption=ndots:1", "DNSSearch=x", "HostName=x", "IP=10.0.0.9", "IP6=fd00::9",
                     "Network=none", "NetworkAlias=x", "PublishPort=80", "UserNS=host"):
            files.add("web.container", f"[Container]\nImage=i\nPod=shop.pod\n{line}\n")
            equal(files.generate(), [f"web.container:4: {line.split('=')[0]}= is not supported: set it in the .pod file"])
        for name in ("absent.pod", "web.container", "shop"):
            files.add("web.container", f"[Container]\nImage=i\nPod={name}\n")
            equal(files.generate(), [f"web.container:3: Pod=: there is no unit file {name}"])
        files.add("web.container", "[Container]\nImage=i\nPod=shop.pod\nStartWithPod=perhaps\n")
        equal(files.generate(), ['web.container:4: StartWithPod= takes yes or no, not "perhaps"'])


def test_a_mounted_image_may_come_from_another_file():
    mount = "[Container]\nImage=i\nMount=type=image,source=tools.image,target=/tools\nMount=type=image,src=own.build,target=/own\n"
    with Files() as files:
        files.add("web.container", mount)
        equal(files.generate(), ["web.container:3: Mount=: there is no unit file tools.image", "web.container:4: Mount=: there is no unit file own.build"])
        files.add("tools.image", "[Image]\nImage=docker.io/library/tools\n")
        files.add("own.build", "[Build]\nImageTag=localhost/own:x\nSetWorkingDirectory=unit\n")
        equal(files.generate(), [])
        unit = files.unit("web.service")
        equal(unit.all("Unit", "Requires"), ["tools-image.service", "own-build.service"])
        for word in ("--mount=type=image,source=docker.io/library/tools,target=/tools", "--mount=type=image,source=localhost/own:x,target=/own"):
            contains(unit.command(), word)


def test_files_depend_on_each_other():
    with Files() as files:
        files.add("web.container", "[Unit]\nAfter=db.container other.service one@two.container\n[Container]\nImage=base.image\nVolume=data.volume:/data:ro\n"
                  "Mount=type=volume,source=more.volume,target=/more\nVolume=./conf:/conf\nVolume=/srv/a b:/srv\nEnvironmentFile=env\n"
                  "EnvironmentFile=-./missing\n")
        files.add("db.container", "[Container]\nImage=i\nServiceName=database\n")
        files.add("one@.container", "[Container]\nImage=i\n")
        files.add("base.image", "[Image]\nImage=docker.io/library/box\nImageTag=localhost/tag\nTLSVerify=no\nAuthFile=auth.json\n")
        files.add("data.volume", "[Volume]\n")
        files.add("more.volume", "[Volume]\nVolumeName=named\nServiceName=more\n")
        equal(files.generate(), [])
        equal(files.names(), ["base-image.service", "data-volume.service", "database.service", "more.service", "one@.service",
                              "run-berth-images-base.mount", "web.service"])
        unit = files.unit("web.service")
        equal(unit.all("Unit", "After"), ["berthd.service", "network-online.target", "database.service other.service one@two.service", "data-volume.service",
                                          "more.service", "base-image.service"])
        equal(unit.all("Unit", "Requires"), ["data-volume.service", "more.service", "base-image.service"])
        equal(unit.all("Unit", "RequiresMountsFor"), [f"{files.units}/conf", '"/srv/a b"'])
        command = unit.command()
        for word in ("--volume=systemd-data:/data:ro", "--mount=type=volume,source=named,target=/more", f"--volume={files.units}/conf:/conf",
                     f"--env-file={files.units}/env", f"--env-file=-{files.units}/missing",
                     "localhost/tag"):
            contains(command, word)
        equal(files.unit("data-volume.service").command(), ["/usr/bin/dist", "volume", "create", "--ignore", "systemd-data"])
        equal(files.unit("data-volume.service").one("Service", "Type"), "oneshot")
        equal(files.unit("data-volume.service").one("Service", "RemainAfterExit"), "yes")
        equal(files.unit("base-image.service").command(), ["/usr/bin/dist", "pull", "--insecure", "docker.io/library/box"])
        equal(files.unit("base-image.service").one("Service", "Environment"), f"REGISTRY_AUTH_FILE={files.units}/auth.json")


def test_a_volume_may_be_a_directory():
    with Files() as files:
        files.add("web.container", "[Container]\nImage=i\nVolume=data.volume:/data\n")
        files.add("data.volume", "[Volume]\nDevice=/srv/a b\nType=none\nOptions=bind\nVolumeName=named\n")
        equal(files.generate(), [])
        contains(files.unit("web.service").command(), "--volume=/srv/a b:/data")
        equal(files.unit("data-volume.service").command(), ["/usr/bin/test", "-d", "/srv/a b"])
        equal(files.unit("data-volume.service").one("Unit", "RequiresMountsFor"), '"/srv/a b"')
    for text, problem in (("Device=tmpfs\nType=tmpfs\n", "a.volume:3: only a directory of the host with Type=bind is supported"),
                          ("Device=/srv\nOptions=bind,uid=5\n", "a.volume:3: Options=uid=5 is not supported: the options of a mount are those of Volume="),
                          ("Type=bind\n", "a.volume:2: Type= needs Device=")):
        equal(refused("[Volume]\n" + text, "a.volume"), [problem])


def test_secrets_are_credentials_of_the_unit():
    unit = generated("[Container]\nImage=i\nSecret=password,type=mount token,target=key\nSecret=own\n[Service]\nSetCredential=own:x\n")
    equal(unit.all("Service", "LoadCredential"), ["password:password", "token:token"])
    for name in ("password", "token,target=key", "own"):
        contains(unit.command(), f"--secret={name}")
    unit = generated("[Container]\nImage=i\nSecret=one,type=env two,type=env,target=DB_PASSWORD\n[Service]\nLoadCredential=two:/run/two\n")
    equal(unit.all("Service", "LoadCredential"), ["two:/run/two", "one:one"])
    for name in ("one,type=env", "two,type=env,target=DB_PASSWORD"):
        contains(unit.command(), f"--secret={name}")
    for fields, problem in (("mode=1777", 'the field "mode=1777" of a secret is not supported: only type=, target=, uid=, gid= and mode= are'),
                            ("type=file", 'the field "type=file" of a secret is not supported: only type=, target=, uid=, gid= and mode= are'),
                            ("type=env,uid=1", "uid=, gid= and mode= of a secret are of a file, not of a variable"),
                            ("target=/etc/key", '"target=/etc/key" of a secret is neither a file in /run/secrets nor a variable'),
                            ("type=env,target=A=B", '"target=A=B" of a secret is neither a file in /run/secrets nor a variable')):
        equal(refused(f"[Container]\nImage=i\nSecret=password,{fields}\n"), [f"web.container:3: {problem}"])


def test_a_proxy_stops_a_container_without_connections():
    with Files() as files:
        files.add("web.socket", "[Socket]\nListenStream=80\n")
        for ports, target in (("127.0.0.1:8080:80", "127.0.0.1:8080"), ("8080:80/tcp", "127.0.0.1:8080"), ("0.0.0.0:8080:80", "127.0.0.1:8080"),
                              ("[::1]:8080:80", "[::1]:8080"), ("80\nPublishPort=53:53/udp\nPublishPort=1-2:1-2\nPublishPort=8080:80", "127.0.0.1:8080")):
            files.add("web.container", f"[Container]\nImage=i\nPublishPort={ports}\nExitIdleTimeout=5min 20s\n")
            equal(files.generate(), [], ports)
            equal(files.names(), ["web-proxy.service", "web.service", "web.socket"])
            proxy = files.unit("web-proxy.service")
            equal(proxy.command(), ["/usr/lib/systemd/systemd-socket-proxyd", "--exit-idle-time=5min 20s", target])
            equal((proxy.all("Unit", "BindsTo"), proxy.all("Unit", "After")), (["web.service"], ["web.service"]))
        equal(files.unit("web.socket").all("Socket", "Service"), ["web-proxy.service"])
        equal(files.unit("web.service").all("Unit", "StopWhenUnneeded"), ["yes"])
        files.add("web.socket", "[Socket]\nListenStream=80\nService=my.service\n")
        equal(files.generate(), [])
        equal(files.unit("web.socket").all("Socket", "Service"), ["my.service"])
        for name, text, problem in (("web", "PublishPort=80", "it needs a PublishPort= with a TCP port of the host"), ("web", "PublishPort=53:53/udp", "it needs a PublishPort= with a TCP port of the host"),
                                    ("other", "PublishPort=80:80", "there is no .socket file of this name"), ("web@", "PublishPort=80:80", "a template cannot have a proxy")):
            (files.units / "web.container").unlink()
            files.add(f"{name}.container", f"[Container]\nImage=i\n{text}\nExitIdleTimeout=1min\n")
            contains(files.generate(), f"{name}.container:4: ExitIdleTimeout= is not supported: {problem}")
            (files.units / f"{name}.container").unlink()
            files.add("web.container", "[Container]\nImage=i\n")


def test_a_value_cannot_begin_another_line_of_the_unit():
    for name in (r"a\nExecStartPre=evil", r"a\x0aExecStartPre=evil", r"a,target=b\nExecStartPre=evil", "a:b", r"a,target=b\\x"):
        assert refused(f"[Container]\nImage=i\nSecret={name}\n"), name
    equal(refused("[Container]\nImage=i\n[Service]\nRestart=no\rExecStart=/bin/true\n"),
          ["web.container:5: ExecStart= of [Service] is generated from [Container] and cannot be set"])
    unit = generated("[Container]\nImage=i\nExec=echo \\xff \"a\\nb\" ; '\\073'\n")
    contains(re.sub(" +", " ", unit.one("Service", "ExecStart")), r'i echo "\xff" "a\x0ab" ";" ";"')
    unit = generated('[Image]\nImage=i\nAuthFile=/a"b\\c\n', "a.image")
    equal(unit.one("Service", "Environment"), r'"REGISTRY_AUTH_FILE=/a\"b\\c"')
    with Files() as files:
        files.add("sub\n[Service]\nExecStartPre=evil/web.container", "[Container]\nImage=i\n")
        equal((files.generate(), files.names()), ([], []))


HOSTILE = (r"a\nExecStartPre=evil", r"'a\nExecStartPre=evil'", r"a\x0aExecStartPre=evil", r"/a\x0dExecStartPre=evil:/b", r"a\012[Service]\012ExecStartPre=evil",
           'type=bind,source=/a\\nExecStartPre=evil,target=/b', '"a\\"', '"/a\\":/b', "a \\ ", "/a\\ ", "a\\\n  \\ \\", "a\v\fb", "a \\;b")


def test_values_of_no_key_change_another_line():
    """Checks each key of each kind, and keys that are passed on, with values that could break out of their line."""
    for kind in quadlets.KINDS:
        keys = [key for key, how, *_ in quadlets.documented_keys(kind) if how != "refused"]
        names = [(f"{kind.capitalize()}", key) for key in keys] + [("Unit", "Description"), ("Unit", "After"), ("Service", "Environment"),
                                                                     ("Service", "ExecStartPost"), ("Install", "WantedBy"), ("X-Own", "Key")]
        with Files() as files:
            for name, (section, key) in enumerate(names):
                for number, value in enumerate(HOSTILE):
                    text, _line = quadlets.with_key(kind, key, f"[{section}]\n{key}={value}")
                    files.add(f"x{name}-{number}.{kind}", text + "\n[Service]\nRestartSec=1\n[Unit]\nWants=last.target\n")
            files.generate()
            assert files.names(), kind
            for name in files.names():
                if (files.out / name).is_symlink():
                    continue
                found = lines_of_systemd((files.out / name).read_text(encoding="utf-8"))
                assert not [key for _section, key in found if "evil" in key or key == "ExecStartPre"], (name, found)
                assert (("[Mount]", "Where") if name.endswith(".mount") else ("[Service]", "RestartSec")) in found, (name, found)


def test_names_of_units_keep_their_escapes():
    with Files() as files:
        files.add("web.container", "[Unit]\nAfter=dev-a\\x2db.device \"dev-c\\x2dd.device\"\n[Container]\nImage=i\n"
                  "[Install]\nWantedBy=dev-a\\x2db.device\n")
        equal(files.generate(), [])
        contains(files.unit("web.service").all("Unit", "After"), r"dev-a\x2db.device dev-c\x2dd.device")
        equal(files.names(), [r"dev-a\x2db.device.wants/web.service", "web.service"])


def test_the_search_of_looping_directories_is_limited():
    with Files() as files:
        files.add("web.container", "[Container]\nImage=i\n")
        for number in range(12):
            (files.root / "second" / f"loop{number}").symlink_to(".")
        contains(files.generate()[-1], "too many unit files; the rest is ignored")
        equal(files.names(), ["web.service"])


def test_errors_name_the_line():
    for text, problem in (("[Container]\nImage=i\n\nFoo=bar\n", "web.container:4: unknown key Foo= in [Container]"),
                          ("[Container]\nImage=i\nHostName=\\\n  a \\\n  # a comment\n  b\nFoo=1\n", "web.container:7: unknown key Foo= in [Container]"),
                          ("[Container]\nImage=i\nVolum=x:/y\n", "web.container:3: unknown key Volum= in [Container]; did you mean Volume=?"),
                          ("[Container]\nImage=i\nRestart=always\n", "web.container:3: unknown key Restart= in [Container]; it belongs in [Service]"),
                          ("[Container]\nImage=i\n[Sevice]\nRestart=always\n", "web.container:3: unknown section [Sevice]; did you mean [Service]?"),
                          ("[Container]\nImage=i\n[Mount]\n[X-Mine]\n", "web.container:3: unknown section [Mount]"),
                          ("Image=i\n", "web.container:1: an assignment before the first section"),
                          ("[Container]\nnonsense\n", 'web.container:2: "nonsense" is neither a section nor KEY=VALUE'),
                          ("[Container\nImage=i\n", 'web.container:1: malformed section header "[Container"'),
                          ("[Container]\nImage=i\n[Quadlet]\nX=y\n", "web.container:4: unknown key X= in [Quadlet]"),
                          ("[Container]\nImage=i\n[Volume]\n", "web.container:3: [Volume] does not belong in a .container file"),
                          ("[Container]\nImage=i\n[Service]\nType=forking\n", "web.container:4: Type= can only be notify or oneshot here"),
                          ("[Container]\nImage=i\n[Service]\nExecStart=/bin/true\n", "web.container:4: ExecStart= of [Service] is generated from [Container] and cannot be set"),
                          ("[Container]\nImage=i\n[Service]\nKillMode=process\n", "web.container:4: KillMode= can only be mixed or control-group here"),
                          ("[Container]\n", "web.container:1: [Container] needs either Image= or Rootfs="),
                          ("[Unit]\n", "web.container: there is no section [Container]"),
                          ("[Container]\nImage=x.image\n", "web.container:2: Image=: there is no unit file x.image"),
                          ("[Container]\nImage=x.build\n", "web.container:2: Image=: there is no unit file x.build"),
                          ("[Container]\nImage=i\nVolume=x.volume:/x\n", "web.container:3: Volume=: there is no unit file x.volume"),
                          ("[Container]\nImage=i\nNetwork=x.network\n", "web.container:3: Network=: there is no unit file x.network"),
                          ("[Container]\nImage=i\n[Unit]\nAfter=x.container\n", "web.container:4: After=: there is no unit file x.container"),
                          ("[Container]\nImage=i\nMount=type=volume,source=x.volume,target=/x\nMount=type=tmpfs,target=/y\n",
                           "web.container:3: Mount=: there is no unit file x.volume"),
                          ("[Container]\nImage=i\nMount=type=ramfs,target=/x\nMount=type=tmpfs,target=/y\n",
                           "web.container:3: unknown type=ramfs; use bind, glob, volume, tmpfs, image, artifact, devpts"),
                          ("[Container]\nImage=i\nGroup=1\n", "web.container:3: Group= needs User="),
                          ("[Container]\nImage=i\nReadOnly=perhaps\n", 'web.container:3: ReadOnly= takes yes or no, not "perhaps"'),
                          ("[Container]\nImage=i\nPodmanArgs=--memory\n", "web.container:3: PodmanArgs=: --memory needs a value"),
                          ("[Container]\nImage=i\nPodmanArgs=--frob=1\n", "web.container:3: PodmanArgs=: dist has no option --frob=1 for it"),
                          ("[Container]\nImage=i\nPodmanArgs=box\n", 'web.container:3: PodmanArgs=: "box" is not an option'),
                          ("[Container]\nImage=i\nPodmanArgs=-d\n", "web.container:3: PodmanArgs=: --detach cannot be set in a unit file"),
                          ("[Container]\nImage=i\nPodmanArgs=--runtime=nvidia\n", "web.container:3: PodmanArgs=: --runtime is not supported: "
                           "the service runs containers itself; for GPUs, see --gpus"),
                          ("[Container]\nImage=i\nGlobalArgs=--log-level=debug\n", "web.container:3: GlobalArgs=: dist has no option --log-level=debug for it"),
                          ("[Container]\nImage=i\nAutoUpdate=sometimes\n", 'web.container:3: AutoUpdate= takes registry or local, not "sometimes"'),
                          ("[Container]\nImage=i\nUserNS=keep-id\n", "web.container:3: UserNS=keep-id is not supported: use auto or host"),
                          ("[Container]\nImage=i\nServiceName=a/b\n", 'web.container: "a/b.service" is not the name of a service'),
                          ("[Container]\nImage=i\nLogOpt=max-size=1m\n", "web.container:3: LogOpt=max-size=1m is not supported: use tag=NAME, without a template"),
                          ("[Container]\nImage=i\nLogOpt=tag={{.Name}}\n", "web.container:3: LogOpt=tag={{.Name}} is not supported: use tag=NAME, without a template"),
                          ("[Container]\nImage=i\nLogDriver=k8s-file\n", "web.container:3: LogDriver=k8s-file is not supported: output goes to the journal")):
        equal(refused(text)[:1], [problem], text)
    with Files(SYSTEMD_SCOPE="user") as files:
        for value in ("keep-id", "keep-id:uid=1000,gid=1000"):
            files.add("web.container", f"[Container]\nImage=i\nUserNS={value}\n")
            equal(files.generate(), [])
            contains(files.unit("web.service").command(), f"--userns={value}")
        files.add("web.container", "[Container]\nImage=i\nUserNS=nomap\n")
        equal(files.generate(), ["web.container:3: UserNS=nomap is not supported: use auto, host or keep-id"])
    for text, problem in (("[Pod]\nExitPolicy=never\n", 'a.pod:2: ExitPolicy= takes stop or continue, not "never"'),
                          ("[Pod]\nUserNS=keep-id\n", "a.pod:2: UserNS=keep-id is not supported: use auto or host"),
                          ("[Pod]\nPodmanArgs=--rm\n", "a.pod:2: PodmanArgs=: --rm cannot be set in a unit file"),
                          ("[Pod]\nImage=x\n", "a.pod:2: unknown key Image= in [Pod]"),
                          ("[Pod]\n[Service]\nType=simple\n", "a.pod:3: Type= can only be notify here")):
        equal(refused(text, "a.pod"), [problem])
    equal(refused("[Pod]\n", "a@.pod"), ["a@.pod: a .pod file cannot be a template"])
    contains(refused("[Kube]\nYaml=x\n", "a.kube")[0], "a.kube:1: .kube files are not supported")
    contains(refused("[Login]\nUsername=x\n", "a.login")[0], "a.login:1: .login files are not supported")
    equal(refused("[Image]\nImage=i\n", "a@.image"), ["a@.image: a .image file cannot be a template"])
    equal(refused("[Volume]\nCopy=no\n", "a.volume"), ["a.volume:2: Copy= is not supported: use the option nocopy of Volume="])
    equal(refused("[Volume]\nDriver=nfs\n", "a.volume"), ["a.volume:2: Driver=nfs is not supported: all volumes are local"])


def test_a_binary_file_is_refused():
    for text, problem in ((b"[Container]\nImage=\xff\n", "web.container:2: not UTF-8"), (b"[Container]\nIma\0ge=x\n", "web.container:2: a NUL byte"),
                          (b"#" * (1024 * 1024 + 1), "web.container: larger than 1048576 bytes"),
                          (b"[Container]\n" + b"A=b\n" * 16384, "web.container:16385: more than 16384 lines")):
        equal(refused(text)[0], problem)
    with Files() as files:
        os.mkfifo(files.units / "fifo.container")
        files.add("gone.container", ("/nowhere",))
        equal(files.generate(), ["fifo.container: not a regular file", "gone.container: No such file or directory"])
    equal(generated("\ufeff[Container]\r\nImage=i\r\n").command()[-1], "i")


def test_an_error_affects_no_other_file():
    with Files() as files:
        files.add("bad.container", "[Container]\nImage=i\nFoo=bar\n")
        files.add("good.container", "[Container]\nImage=i\n")
        equal(files.generate(), ["bad.container:3: unknown key Foo= in [Container]"])
        equal(files.names(), ["good.service"])


def test_files_in_the_first_directory_take_precedence():
    with Files() as files:
        files.add("web.container", "[Container]\nImage=first\n")
        files.add("web.container", "[Container]\nImage=second\n", "second")
        files.add("only.container", "[Container]\nImage=second\n", "second")
        files.add("masked.container", "[Container]\nImage=second\n", "second")
        files.add("masked.container", None)
        files.add("empty.container", "[Container]\nImage=second\n", "second")
        files.add("empty.container", "")
        files.add("below/deep.container", "[Container]\nImage=deep\n")
        files.add("users/theirs.container", "[Container]\nImage=i\n")
        equal(files.generate(), [])
        equal(files.names(), ["deep.service", "only.service", "web.service"])
        equal(files.unit("web.service").command()[-1], "first")


def test_drop_ins_extend_a_file():
    with Files() as files:
        files.add("a-b.container", "[Container]\nImage=i\nEnvironment=ONE=1\nHostName=base\n")
        files.add("container.d/10.conf", "[Container]\nEnvironment=ALL=1\nHostName=ten\n")
        files.add("a-.container.d/20.conf", "[Container]\nHostName=twenty\n", "second")
        files.add("a-b.container.d/10.conf", "[Container]\nEnvironment=OWN=1\n", "second")
        files.add("a-b.container.d/30.conf", "[Container]\nWorkingDir=/second\n", "second")
        files.add("a-b.container.d/30.conf", "[Container]\nWorkingDir=/first\n[Install]\nWantedBy=a.target\n")
        files.add("a-b.container.d/40.conf", None)
        files.add("a-b.container.d/ignored", "nonsense")
        equal(files.generate(), [])
        command = files.unit("a-b.service").command()
        for word in ("--env=ONE=1", "--env=OWN=1", "--hostname=twenty", "--workdir=/first"):
            contains(command, word)
        assert "--env=ALL=1" not in command, command
        contains(files.names(), "a.target.wants/a-b.service")
        files.add("a-b.container.d/50.conf", "[Container]\n\nFoo=bar\n")
        equal(files.generate(), ["a-b.container.d/50.conf:3: unknown key Foo= in [Container]"])


def test_templates_have_instances():
    with Files() as files:
        files.add("sleep@.container", "[Container]\nImage=i\nExec=sleep %i\n[Install]\nWantedBy=multi-user.target\nDefaultInstance=100\n")
        files.add("sleep@10.container", ("sleep@.container",))
        files.add("sleep@10.container.d/10.conf", "[Container]\nHostName=ten\n")
        files.add("sleep@.container.d/10.conf", "[Container]\nHostName=all\n")
        files.add("plain@.container", "[Container]\nImage=i\n[Install]\nWantedBy=multi-user.target\n")
        equal(files.generate(), [])
        equal(files.names(), ["multi-user.target.wants/sleep@10.service", "multi-user.target.wants/sleep@100.service", "plain@.service",
                              "sleep@.service", "sleep@10.service"])
        equal(os.readlink(files.out / "multi-user.target.wants/sleep@100.service"), "../sleep@.service")
        equal(os.readlink(files.out / "multi-user.target.wants/sleep@10.service"), "../sleep@10.service")
        contains(files.unit("sleep@.service").command(), "--name=systemd-%p_%i")
        contains(files.unit("sleep@.service").command(), "--hostname=all")
        contains(files.unit("sleep@10.service").command(), "--hostname=ten")


def test_install_makes_links():
    with Files() as files:
        files.add("web.container", "[Container]\nImage=i\n[Install]\nWantedBy=a.target b.target\nRequiredBy=c.service\nUpheldBy=d.service\n"
                  "Alias=www.service %p-x.service\nWantedBy=../../etc/passwd\nAlias=web.target\nAlso=x.service\nWantedBy=%h.target\n")
        equal(files.generate(), ['web.container:9: Alias=: no link is made for "web.target"', 'web.container:8: WantedBy=: no link is made for "../../etc/passwd"',
                                 'web.container:11: WantedBy=: no link is made for "%h.target"', "web.container:10: Also= of [Install] is ignored"])
        equal(files.names(), ["a.target.wants/web.service", "b.target.wants/web.service", "c.service.requires/web.service",
                              "d.service.upholds/web.service", "web-x.service", "web.service", "www.service"])
        equal(os.readlink(files.out / "www.service"), "web.service")


def test_sockets_and_timers_are_generated_with_containers():
    with Files() as files:
        files.add("web.container", "[Unit]\nRequires=web.socket\nAfter=web.socket\n[Container]\nImage=i\n")
        files.add("web.socket", "[Unit]\nPartOf=web.container\n[Socket]\nListenStream=80\nFileDescriptorName=%N\n[Install]\nWantedBy=sockets.target\nAlias=www.socket\n")
        files.add("web.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n")
        equal(files.generate(), [])
        equal(files.names(), ["sockets.target.wants/web.socket", "timers.target.wants/web.timer", "web.service", "web.socket", "web.timer", "www.socket"])
        socket = files.unit("web.socket")
        equal((socket.one("Socket", "ListenStream"), socket.one("Socket", "FileDescriptorName")), ("80", "%N"))
        equal((socket.one("Unit", "PartOf"), socket.all("Unit", "After")), ("web.service", []))
        equal(files.unit("web.timer").one("Timer", "OnCalendar"), "daily")
        equal(files.unit("web.service").one("Unit", "Requires"), "web.socket")
    equal(refused("[Socket]\nListenStream=80\n[Container]\n", "a.socket"), ["a.socket:3: [Container] does not belong in a .socket file"])
    equal(refused("[Timer]\n", "a.socket")[1], "a.socket:1: [Timer] does not belong in a .socket file")


def test_two_files_for_one_unit_are_an_error():
    with Files() as files:
        files.add("a.container", "[Container]\nImage=a\nServiceName=one\n")
        files.add("b.container", "[Container]\nImage=b\nServiceName=one\n")
        files.add("sub/c.container", "[Container]\nImage=b\n")
        files.add("bus/c.container", "[Container]\nImage=b\n")
        problems = files.generate()
        equal(len(problems), 2)
        contains(problems[0], "ignored: ")
        contains(problems[1], "b.container: ")
        contains(problems[1], "a.container already generates one.service")
        equal(files.unit("one.service").command()[-1], "a")


def test_volumes_of_a_pod_are_in_each_of_its_containers():
    with Files() as files:
        files.add("sub/shop.pod", "[Pod]\nVolume=data.volume:/data:ro\nVolume=./conf:/conf\n")
        files.add("data.volume", "[Volume]\nVolumeName=named\n")
        for name in ("a", "b"):
            files.add(f"{name}.container", f"[Container]\nImage=i\nPod=shop.pod\nVolume=/srv:/{name}\n")
        equal(files.generate(), [])
        for name in ("a", "b"):
            unit = files.unit(f"{name}.service")
            equal(sorted(word for word in unit.command() if word.startswith("--volume=")),
                  sorted(["--volume=named:/data:ro", f"--volume={files.units}/sub/conf:/conf", f"--volume=/srv:/{name}"]))
            contains(unit.all("Unit", "Requires"), "data-volume.service")
        pod = files.unit("shop-pod.service")
        equal(([word for word in pod.command() if "volume" in word], pod.all("Unit", "Requires")), ([], ["data-volume.service"]))
        files.add("sub/shop.pod", "[Pod]\nVolume=absent.volume:/data\n")
        equal(set(files.generate()), {"sub/shop.pod:2: Volume=: there is no unit file absent.volume"})


def test_a_pod_may_be_named_after_the_service_of_its_container():
    with Files() as files:
        files.add("shop.pod", "[Pod]\n")
        files.add("shop.container", "[Container]\nImage=i\nPod=%N.pod\n")
        files.add("part.container", "[Container]\nImage=i\nPod=%p.pod\nServiceName=shop-part\n")
        equal(files.generate(), ["part.container:3: Pod=: there is no unit file shop-part.pod"])
        contains(files.unit("shop.service").command(), "--pod=systemd-shop")
        equal(files.unit("shop.service").all("Unit", "BindsTo"), ["shop-pod.service"])
        equal(files.unit("shop-pod.service").all("Unit", "Before"), ["shop.service"])
        files.add("shop.pod", "[Unit]\nAfter=shop.container\n[Pod]\n")
        contains("\n".join(files.generate()), "shop.container:3: Pod=: units wait for each other")


def test_an_object_has_the_same_name_in_all_units():
    """systemd expands %N and the like in each unit that has the name."""
    with Files() as files:
        files.add("data.volume", "[Volume]\nVolumeName=x-%N\n")
        files.add("front.network", "[Network]\nNetworkName=%p-%m\n")
        files.add("shop.pod", "[Pod]\nPodName=of-%n\nNetwork=front.network\n")
        files.add("web.container", "[Container]\nImage=i\nContainerName=%N\nPod=shop.pod\nVolume=data.volume:/data\n")
        equal(files.generate(), [])
        equal(files.unit("data-volume.service").command()[-1], "x-data-volume")
        equal(files.unit("front-network.service").command()[-1], "front-network-%m")
        equal(files.unit("shop-pod.service").command()[-1], "of-shop-pod.service")
        contains(files.unit("shop-pod.service").command(), "--network=front-network-%m")
        for word in ("--name=%N", "--pod=of-shop-pod.service", "--volume=x-data-volume:/data"):
            contains(files.unit("web.service").command(), word)


def test_a_volume_keeps_the_owners_of_its_files():
    for kind, text, number in (("container", "[Container]\nImage=i\nVolume=v:/x:ro,U\n", 3), ("container", "[Container]\nImage=i\nVolume=/srv:/x:U\n", 3)):
        equal(refused(text, f"a.{kind}"), [f"a.{kind}:{number}: the option U of Volume= is not supported: files keep their owners"])
    generated("[Container]\nImage=i\nVolume=v:/U:ro,Z\n")


def test_volumes_and_networks_may_be_templates():
    with Files() as files:
        files.add("a@.volume", "[Volume]\n")
        files.add("b@.volume", "[Volume]\nVolumeName=%p-of-%i\n")
        files.add("d@.volume", "[Volume]\nDevice=/srv/%i\nType=bind\n")
        files.add("n@.network", "[Network]\n")
        files.add("w@.container", "[Container]\nImage=i\nVolume=a@%i.volume:/a\nMount=type=volume,source=b@%i.volume,target=/b\nVolume=d@%i.volume:/d\n"
                                  "Network=n@%i.network:ip=10.0.0.2\n")
        files.add("one.container", "[Unit]\nAfter=a@x.volume\n[Container]\nImage=i\nVolume=a@y.volume:/a:ro\nVolume=b@y.volume:/b\n")
        files.add("a@z.volume", ("a@.volume",))
        equal(files.generate(), [])
        equal(files.names(), ["a-volume@.service", "a-volume@z.service", "b-volume@.service", "d-volume@.service", "n-network@.service", "one.service",
                              "w@.service"])
        equal([files.unit(f"{name}@.service").command()[-1] for name in ("a-volume", "b-volume", "d-volume", "n-network")],
              ["systemd-a_%i", "b-volume-of-%i", "/srv/%i", "systemd-n_%i"])
        equal(files.unit("a-volume@z.service").command()[-1], "systemd-a_z")
        unit = files.unit("w@.service")
        for word in ("--volume=systemd-a_%i:/a", "--mount=type=volume,source=b-volume-of-%i,target=/b", "--volume=/srv/%i:/d",
                     "--network=systemd-n_%i:ip=10.0.0.2"):
            contains(unit.command(), word)
        equal(sorted(unit.all("Unit", "Requires")), ["a-volume@%i.service", "b-volume@%i.service", "d-volume@%i.service", "n-network@%i.service"])
        # The template itself stands for the instance of the same name, as in podman-systemd.unit(5).
        files.add("same@.container", "[Container]\nImage=i\nVolume=a@.volume:/a\nMount=type=volume,source=b@.volume,target=/b\nNetwork=n@.network\n")
        files.add("same@x.container", ("same@.container",))
        equal(files.generate(), [])
        for instance, value in (("", "%i"), ("x", "x")):
            unit = files.unit(f"same@{instance}.service")
            equal(sorted(unit.all("Unit", "Requires")), [f"{name}@{value}.service" for name in ("a-volume", "b-volume", "n-network")])
            for word in (f"--volume=systemd-a_{value}:/a", f"--mount=type=volume,source=b-volume-of-{value},target=/b", f"--network=systemd-n_{value}"):
                contains(unit.command(), word)
        files.add("two.container", "[Container]\nImage=i\nVolume=a@.volume:/a\nNetwork=m@x.network\n")
        equal(sorted(files.generate()), ["two.container:3: Volume=: a@.volume is a template; an instance is needed",
                                         "two.container:4: Network=: there is no unit file m@x.network"])
        unit = files.unit("one.service")
        contains(unit.command(), "--volume=systemd-a_y:/a:ro")
        contains(unit.command(), "--volume=b-volume-of-y:/b")
        contains(unit.all("Unit", "After"), "a-volume@x.service")
        contains(unit.all("Unit", "Requires"), "a-volume@y.service")


def test_a_cycle_through_mounts_is_named():
    with Files() as files:
        files.add("a.container", "[Container]\nImage=i\nMount=type=tmpfs,target=/t type=volume,source=v.volume,target=/v\nMount=type=image,src=p.image,target=/p\n")
        files.add("v.volume", "[Unit]\nAfter=a.container\n[Volume]\n")
        files.add("p.image", "[Unit]\nAfter=b.container\n[Image]\nImage=i\n")
        files.add("b.container", "[Container]\nImage=i\nVolume=v.volume:/v\n")
        text = "units wait for each other, so systemd does not start one of them:"
        problems = files.generate()
        contains(problems, f"a.container:3: Mount=: {text} a.service after v-volume.service after a.service")
        contains(problems, f"p.image:2: After=: {text} p-image.service after b.service after v-volume.service after a.service after p-image.service")


def test_a_cycle_is_named_with_its_files_and_lines():
    with Files() as files:
        files.add("a.container", "[Unit]\nAfter=b.container\n[Container]\nImage=i\n")
        files.add("b.container", "[Unit]\nDescription=b\n[Container]\nImage=i\nVolume=c.volume:/c\n")
        files.add("c.volume", "[Unit]\nRequires=a.container\nAfter=x.service a.service\n[Volume]\n")
        files.add("d.container", "[Unit]\nBefore=e.container\n[Container]\nImage=i\n")
        files.add("e.container", "[Unit]\nBefore=d.service\n[Container]\nImage=i\n")
        files.add("f.container", "[Unit]\nAfter=f.container a.container e.container\n[Container]\nImage=i\n")
        files.add("g.container", "[Unit]\nAfter=a.container\nBefore=h.service\n[Container]\nImage=i\n")
        text = "units wait for each other, so systemd does not start one of them:"
        equal(files.generate(), [f"a.container:2: After=: {text} a.service after b.service after c-volume.service after a.service",
                                 f"b.container:5: Volume=: {text} b.service after c-volume.service after a.service after b.service",
                                 f"c.volume:3: After=: {text} c-volume.service after a.service after b.service after c-volume.service",
                                 f"e.container:2: Before=: {text} d.service after e.service after d.service",
                                 f"d.container:2: Before=: {text} e.service after d.service after e.service",
                                 f"f.container:2: After=: {text} f.service after f.service"])
        equal(len(files.names()), 7, "units in a cycle are still generated")
        result = files.dist("check", str(files.units / "g.container"))
        equal((result.returncode, result.stderr), (0, ""))
        result = files.dist("check", str(files.units / "e.container"))
        equal((result.returncode, len(result.stderr.splitlines())), (0, 1))


def test_units_of_users_do_not_wait_for_the_network():
    with Files(SYSTEMD_SCOPE="user") as files:
        files.add("web.container", "[Container]\nImage=i\n")
        equal(files.generate(), [])
        equal(files.unit("web.service").all("Unit", "After"), [])


def test_files_for_well_known_programs_work_unchanged():
    for scope, texts in (("system", quadlets.OF_THE_SYSTEM), ("user", quadlets.OF_A_USER)):
        with Files(SYSTEMD_SCOPE=scope) as files:
            for name, text in texts.items():
                files.add(name, text)
            equal(files.generate(), [])
            units = [name for name in texts if not name.endswith(".env")]
            # An .image file of the system also has a mount unit. Links are not counted.
            equal(len([name for name in files.names() if "/" not in name]), len(units) + sum(scope == "system" and name.endswith(".image") for name in units))


def test_dist_checks_files():
    with Files() as files:
        good = files.add("good.container", "[Container]\nImage=i\nVolume=data.volume:/x\n")
        files.add("data.volume", "[Volume]\n")
        files.add("bad.container", "[Container]\nImage=i\nFoo=bar\n")
        result = files.dist("check", str(good))
        equal((result.returncode, result.stdout, result.stderr), (0, "", ""))
        other = files.add("other.container", "[Container]\nImage=i\nFoo=bar\n", "elsewhere")
        result = files.dist("check", str(good), str(other))
        equal((result.returncode, result.stderr), (1, f"{other}:3: unknown key Foo= in [Container]\n"))
        result = files.dist("check", str(good), str(good))
        equal((result.returncode, result.stderr), (1, f"{good}: ignored: {good} has the same name\n"))
        result = files.dist("check", "/nowhere.container")
        equal((result.returncode, result.stderr), (1, "/nowhere.container: No such file or directory\n"))
        result = files.dist("check", "/etc/passwd")
        equal((result.returncode, result.stderr), (1, "/etc/passwd: not the name of a unit file\n"))
        listed = [line.split() for line in files.dist("list").stdout.splitlines()[1:]]
        equal([line[:3] for line in listed], [["bad.container", "bad.service", "error"], ["data.volume", "data-volume.service", "ok"],
                                              ["good.container", "good.service", "ok"]])
        shown = files.dist("cat", "good").stdout
        contains(shown, f"# {good}\n[Container]\nImage=i\n")
        contains(shown, "# good.service\n")
        contains(shown, "Requires=data-volume.service\n")
        equal(files.dist("cat", "nothing").stderr, "dist: there is no unit file nothing\n")
        equal(files.dist("cat", "bad").returncode, 1)


def main():
    tests = [(name, test) for name, test in list(globals().items()) if name.startswith("test_")]
    failures = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name[5:].replace('_', ' ')}")
        except Exception:  # pylint: disable=broad-except
            failures += 1
            print(f"not ok {number} - {name[5:].replace('_', ' ')}")
            print("\n".join(f"# {line}" for line in traceback.format_exc().splitlines()))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
