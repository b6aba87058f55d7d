# SPDX-License-Identifier: LGPL-2.1-or-later
# Unit files (quadlets) that run containers as systemd services, written in the style of public projects: from the file
# to the running service, with drop-ins, templates, timers, sockets, pods, errors and boot.

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
import quadlets

IMAGE = f"{HOST}/units/box:x"
OTHER = f"{HOST}/units/other:x"
UNITS = "/etc/berth/units"
PODMAN = "/etc/containers/systemd"

FILES = {
    # A web server: a published port, files from the host, labels, and a health check with its own command.
    f"{UNITS}/web.container": f"""
[Unit]
Description=Web server
Documentation=https://example.com/docs
After=local-fs.target

[Container]
Image={IMAGE}
ContainerName=web
Volume=./web:/srv:ro,Z
Environment=GREETING="hello  world" PERCENT=100%%
Label=traefik.enable=true traefik.http.routers.web.rule=Host(`example.com`)
HealthCmd=cat /srv/index.html
HealthInterval=1s
Notify=healthy
Exec=sh -c 'cat /srv/index.html; echo "$$GREETING $$PERCENT"; trap "echo stopping; exit 0" TERM; while :; do sleep 0.1; done'

[Service]
Restart=always
TimeoutStartSec=900
MemoryMax=256M

[Install]
WantedBy=multi-user.target default.target
""",
    f"{UNITS}/web/index.html": "It works\n",
    # A database: the volume and the image have their own files, which are in podman's directory.
    f"{PODMAN}/db/db.container": f"""
[Unit]
Description=Database

[Container]
Image=db.image
Volume=db.volume:/var/lib/db:Z
EnvironmentFile=db.env
NoNewPrivileges=true
DropCapability=ALL
ShmSize=64m
StopTimeout=1
LogDriver=journald
Secret=db-password,target=password
Exec=sh -c 'echo "secret $$(cat /run/secrets/password)"; echo "$$DB_NAME" >>/var/lib/db/log; cat /var/lib/db/log; exec sleep 1000'

[Service]
Restart=on-failure
""",
    "/etc/credstore/db-password": "of the store",
    f"{PODMAN}/db/db.env": "# the name\nDB_NAME=shop\n",
    f"{PODMAN}/db/db.image": f"[Image]\nImage={OTHER}\n",
    f"{PODMAN}/db/db.volume": "[Volume]\nVolumeName=db-data\nLabel=app=shop \"note=two words\"\n",
    # A job that a timer starts.
    f"{PODMAN}/backup.container": f"""
[Unit]
Description=Backup
Requires=db.container
After=db.container

[Container]
Image={IMAGE}
Volume=db.volume:/data:ro
Tmpfs=/scratch
ReadOnly=true
Exec=sh -c 'cp /data/log /scratch/copy && echo saved $$(cat /scratch/copy)'

[Service]
Type=oneshot
""",
    # A proxy in front of an application, in a separate network.
    f"{PODMAN}/front.network": "[Network]\nDriver=bridge\nSubnet=10.91.7.0/24\nGateway=10.91.7.1\nLabel=app=front\n",
    f"{PODMAN}/app.container": f"""
[Container]
Image={IMAGE}
ContainerName=app
Network=front.network
NetworkAlias=backend
StopTimeout=1
Exec=sh -c 'mkdir -p /tmp/www; echo from the application >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'
""",
    f"{PODMAN}/proxy.container": f"""
[Unit]
Requires=app.container
After=app.container

[Container]
Image={IMAGE}
Network=front.network
PublishPort=127.0.0.1:18088:80
AddHost=extra:10.91.7.200
StopTimeout=1
Exec=sh -c 'mkdir -p /tmp/www; until wget -q -O /tmp/www/index.html http://backend:8080/; do sleep 0.2; done; exec httpd -f -p 80 -h /tmp/www'
""",
    f"{UNITS}/backup.timer": "[Timer]\nOnActiveSec=1s\nAccuracySec=100ms\n",
    # A template.
    f"{UNITS}/worker@.container": f"""
[Unit]
Description=Worker %i
PartOf=workers.target

[Container]
Image={IMAGE}
HostName=worker-%i
User=70
Group=71
StopTimeout=1
Exec=sh -c 'echo "$$(hostname) $$(id -u) $$(id -g)"; exec sleep %i'

[Install]
WantedBy=multi-user.target
DefaultInstance=1000
""",
}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_container(path, keys, image=IMAGE):
    write(path, f"[Container]\nImage={image}\n{keys}")


def systemctl(*arguments):
    result = run("systemctl", *arguments)
    assert result.status == 0, f"systemctl {' '.join(arguments)}: {result}\n{run('journalctl', '-n', '30', '--no-pager').out}"
    return result.out


def shown(unit, name):
    return run("systemctl", "show", "-P", name, unit).out.strip()


def journal(unit):
    return run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", unit).out


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    layer = oci.busybox_layer().directory("var").directory("var/lib").directory("var/lib/db", mode=0o777)
    oci.push(oci.Image([layer], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}), OTHER)
    for path, text in FILES.items():
        write(path, text)
    systemctl("daemon-reload")


def test_every_file_has_a_unit_that_systemd_takes():
    rows = {row["unit"]: row["state"] for row in listing("unit", "list")}
    equal(rows, {"web.service": "ok", "db.service": "ok", "db-image.service": "ok", "db-volume.service": "ok", "backup.service": "ok",
                 "worker@.service": "ok", "front-network.service": "ok", "app.service": "ok", "proxy.service": "ok",
                 "backup.timer": "ok"})
    for unit in rows:
        path = f"/run/systemd/generator/{unit}"
        result = run("systemd-analyze", "verify", "--man=no", path.replace("@", "@7") if "@." in path and
                     os.path.exists(path.replace("@", "@7")) else path)
        found = [line for line in result.err.splitlines() if "/run/systemd/generator" in line or any(name in line for name in rows)]
        equal(found, [], unit)
    mount = "/run/systemd/generator/run-berth-images-db.mount"
    equal(run("systemd-analyze", "verify", "--man=no", mount).err, "")
    equal(run("journalctl", "-b", "-t", "berth-generator", "-o", "cat").out.strip(), "")


def test_systemd_takes_the_units_of_files_for_well_known_programs():
    for scope, options, texts in (("system", (), quadlets.OF_THE_SYSTEM), ("user", ("--user",), quadlets.OF_A_USER)):
        out = f"/run/public/{scope}"
        os.makedirs(out)
        for name, text in texts.items():
            write(f"/run/public/of-{scope}/{name}", text)
        environment = {"BERTH_UNIT_DIRS": f"/run/public/of-{scope}", "SYSTEMD_SCOPE": scope}
        result = subprocess.run([f"/usr/lib/systemd/{scope}-generators/berth-generator", out, out, out], env={**os.environ, **environment}, check=True,
                                capture_output=True, encoding="utf-8")
        equal(result.stderr, "")
        units = [f"{out}/{name}" for name in os.listdir(out) if "." in name and not os.path.isdir(f"{out}/{name}")]
        result = subprocess.run(["systemd-analyze", *options, "verify", "--man=no", *units], capture_output=True, encoding="utf-8", check=False,
                                env={**os.environ, "SYSTEMD_UNIT_PATH": f"{out}:", "XDG_RUNTIME_DIR": "/run/user/0"})
        equal([line for line in result.stderr.splitlines() if out in line or any(os.path.basename(unit) in line for unit in units)], [], scope)


def test_systemd_takes_a_unit_with_any_key():
    """A file for each documented key that dist has: the unit is valid by systemd-analyze(1), and systemd, which runs
    the generator itself, loads it without a warning. An image has a mount unit, too."""
    directory, out = f"{UNITS}/keys", "/run/keys"
    os.makedirs(out)
    for kind in quadlets.KINDS:
        for key, what, _how, line in quadlets.documented_keys(kind):
            if line and what != "refused":
                name = f"key-{kind}-{key.lower()}"
                text = quadlets.with_key(kind, key, line)[0]
                # All files are for one manager, in which each unit has a name of its own.
                write(f"{directory}/{name}.{kind}", text.replace("ServiceName=other", f"ServiceName={name}-other"))
    generated = run("/usr/lib/systemd/system-generators/berth-generator", out, out, out, env={"BERTH_UNIT_DIRS": directory})
    equal(generated.err, "")
    units = sorted(name for name in os.listdir(out) if "." in name and not os.path.isdir(f"{out}/{name}"))
    assert len(units) > 150, units
    result = run("systemd-analyze", "verify", "--man=no", *[f"{out}/{unit}" for unit in units], env={"SYSTEMD_UNIT_PATH": f"{out}:"})
    equal([line for line in result.err.splitlines() if any(unit in line for unit in units)], [])
    systemctl("daemon-reload")
    loaded = run("systemctl", "show", "-p", "Id,LoadState,FragmentPath", *units).out.split("\n\n")
    equal(sorted(line.split("=", 1)[1] for text in loaded for line in text.splitlines() if line.startswith("FragmentPath=")),
          sorted(f"/run/systemd/generator/{unit}" for unit in units))
    equal([text for text in loaded if "LoadState=loaded" not in text], [])
    run("journalctl", "--sync")
    equal([line for line in run("journalctl", "-b", "-o", "cat", "_PID=1", "-p", "warning").out.splitlines() if "/generator/" in line], [])
    shutil.rmtree(directory)
    systemctl("daemon-reload")


def test_a_service_runs_a_container():
    systemctl("start", "web")
    equal(shown("web", "ActiveState"), "active")
    equal(shown("web", "Description"), "Web server")
    wait_until(lambda: "hello  world 100%" in journal("web"), "its output")
    contains(journal("web"), "It works\n")
    row = [row for row in listing("ps") if row["id"] == "web"][0]
    equal(row["state"], "running")
    contains(good("inspect", "web"), "Host(`example.com`)")
    wait_until(lambda: "healthy" in good("info", "web"), "its health")


def test_a_failed_service_is_restarted():
    before = shown("web", "MainPID")
    good("kill", "-s", "KILL", "web")
    wait_until(lambda: shown("web", "ActiveState") == "active" and shown("web", "MainPID") not in ("0", before), "the restart")
    equal(shown("web", "NRestarts"), "1")


def test_a_service_is_stopped_by_the_stop_signal_of_its_image():
    systemctl("stop", "web")
    equal((shown("web", "ActiveState"), shown("web", "Result")), ("inactive", "success"))
    wait_until(lambda: "stopping\n" in journal("web"), "its last output")
    assert "web" not in good("ps", "-a", "-q").split()


def test_a_stop_during_the_start_is_not_lost():
    write_container(f"{UNITS}/brief.container", "Network=front.network\nStopTimeout=1\nExec=sleep 1000\n")
    systemctl("daemon-reload")
    systemctl("start", "front-network")
    for number in range(20):
        systemctl("start", "--no-block", "brief")
        # The delays range from before the container is created until after it has started.
        time.sleep(number * 0.02)
        begun = time.monotonic()
        systemctl("stop", "brief")
        assert time.monotonic() - begun < 80, f"stopped {number * 20} ms after the start, the stop took {time.monotonic() - begun} s"
    wait_until(lambda: good("ps", "-a", "-q") == "", "the removal of the container")
    run("systemctl", "reset-failed", "brief")
    os.unlink(f"{UNITS}/brief.container")
    systemctl("daemon-reload")


def test_a_service_starts_after_the_files_that_it_refers_to():
    systemctl("start", "db")
    for unit in ("db-image", "db-volume", "db"):
        equal(shown(unit, "ActiveState"), "active", unit)
    wait_until(lambda: "shop\n" in journal("db"), "its output")
    contains(good("volume", "list"), "db-data")
    equal(json.loads(good("volume", "inspect", "db-data"))[0]["labels"], {"app": "shop", "note": "two words"})
    equal([row["name"] for row in listing("volume", "ls", "--filter", "label=app=shop")], ["db-data"])
    equal(listing("volume", "ls", "--filter", "label=app=other"), [])
    contains(journal("db"), "secret of the store\n")
    assert "of the store" not in good("inspect", "systemd-db")
    # The data outlives the container and the units.
    systemctl("restart", "db")
    wait_until(lambda: "shop\nshop\n" in journal("db"), "both lines")
    # An existing volume is left unchanged.
    systemctl("restart", "db-volume")
    equal(shown("db-volume", "Result"), "success")


def test_a_new_volume_has_the_files_of_the_image():
    """A program that does not run as root can write to its new volume, which has the owner that the image specifies."""
    name = f"{HOST}/units/app:x"
    layer = oci.busybox_layer().directory("data", mode=0o750, uid=472, gid=470)
    layer.add("data/default.conf", b"from the image\n", mode=0o640, uid=472, gid=470).symlink("data/link", "/etc/passwd")
    oci.push(oci.Image([layer], {"Cmd": ["true"], "User": "472:470", "Env": ["PATH=/bin"]}), name)
    look = "stat -c '%u:%g %a %n' /data /data/default.conf; cat /data/default.conf; readlink /data/link; ls /data"
    filled = "472:470 750 /data\n472:470 640 /data/default.conf\nfrom the image\n/etc/passwd\n"
    equal(good("run", "--rm", "-v", "app:/data", name, "sh", "-c", f"echo mine >/data/own; {look}"), f"{filled}default.conf\nlink\nown\n")
    # Existing contents are kept, even if the image has more files.
    good("run", "--rm", "-v", "app:/data", name, "rm", "/data/default.conf")
    equal(good("run", "--rm", "-v", "app:/data", name, "ls", "/data"), "link\nown\n")
    # If copying the files was interrupted by SIGKILL, it is started again.
    good("volume", "create", "half")
    os.makedirs(f"{STATE}/volumes/half/.berth-filling/of-a-former-image")
    equal(good("run", "--rm", "-v", "half:/data", name, "sh", "-c", f"{look}; ls -A /data"), filled + 2 * "default.conf\nlink\n")
    # Nothing is copied if "nocopy" is given or the files cannot be copied.
    equal(good("run", "--rm", "-v", "empty:/data:nocopy", name, "sh", "-c", "stat -c %u /data; ls /data"), "0\n")
    equal(good("run", "--rm", "-v", "empty:/data:ro", name, "ls", "/data"), "")
    # Files are never copied into a path of the host.
    os.makedirs("/srv/app", exist_ok=True)
    equal(good("run", "--rm", "-v", "/srv/app:/data", "--user=0", name, "ls", "/data"), "")
    # If many containers start at once, the volume is filled once.
    runs = [subprocess.Popen(["dist", "run", "--rm", "-v", "many:/data", name, "ls", "/data"], stdout=subprocess.PIPE, encoding="utf-8")
            for _ in range(8)]
    for process in runs:
        contains("default.conf\nlink\n", process.communicate()[0])
        equal(process.returncode, 0)
    equal(good("run", "--rm", "-v", "many:/data", name, "ls", "/data"), "default.conf\nlink\n")
    good("volume", "rm", "app", "empty", "many")


def launchers():
    for process in os.listdir("/proc"):
        try:
            with open(f"/proc/{process}/comm", encoding="utf-8") as comm:
                if process.isdigit() and comm.read() == "berth-launch\n":
                    yield int(process)
        except OSError:
            pass


def test_filling_a_volume_may_take_longer_than_a_start():
    """The launcher is stopped in the middle of the copy for longer than the service waits for other starts."""
    name = f"{HOST}/units/slow:x"
    layer = oci.busybox_layer().directory("data")
    for number in range(20000):
        layer.add(f"data/{number}", b"x")
    oci.push(oci.Image([layer], {"Env": ["PATH=/bin"]}), name)
    good("pull", name)
    mark = f"{STATE}/volumes/slow/.berth-filling"
    for _ in range(10):
        stopped = []
        with subprocess.Popen(["dist", "run", "--rm", "-v", "slow:/data", name, "sh", "-c", "ls /data | wc -l"],
                              stdout=subprocess.PIPE, encoding="utf-8") as process:
            while not os.path.exists(mark) and process.poll() is None:
                pass
            for pid in launchers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            # On a busy machine, the copy may have ended before.
            is_filling = os.path.exists(mark)
            if is_filling:
                time.sleep(62)
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            equal(process.communicate()[0], "20000\n")
        good("volume", "rm", "slow")
        if is_filling:
            break
    assert is_filling, "the volume was always filled before its launcher was stopped"


def test_a_new_volume_has_no_labels_of_a_former_one():
    good("volume", "create", "--label=a=b", "labelled")
    kill_service()
    equal(json.loads(good("volume", "inspect", "labelled"))[0]["labels"], {"a": "b"})
    good("volume", "rm", "labelled")
    good("volume", "create", "labelled")
    equal(json.loads(good("volume", "inspect", "labelled"))[0]["labels"], {})
    good("volume", "rm", "labelled")


def test_containers_share_a_network():
    systemctl("start", "proxy")
    for unit in ("front-network", "app", "proxy"):
        equal(shown(unit, "ActiveState"), "active", unit)
    contains(good("network", "ls"), "systemd-front")
    wait_until(lambda: run("curl", "-sf", "http://127.0.0.1:18088/").out == "from the application\n", "the page, through the proxy")
    hosts = good("exec", "systemd-proxy", "cat", "/etc/hosts")
    contains(hosts, "10.91.7.200")
    systemctl("stop", "proxy", "app", "front-network")
    # An existing network is left unchanged.
    systemctl("start", "front-network")
    systemctl("stop", "front-network")
    good("network", "rm", "systemd-front")


def test_a_timer_starts_a_job():
    systemctl("start", "backup.timer")
    wait_until(lambda: re.search(r"^saved shop shop", journal("backup"), re.MULTILINE), "the job")
    wait_until(lambda: shown("backup", "ActiveState") == "inactive", "its end")
    equal(shown("backup", "Result"), "success")
    systemctl("stop", "backup.timer")
    # If a job fails, its exit status becomes the status of the unit.
    write_container(f"{PODMAN}/fails.container", "Exec=sh -c 'exit 3'\n[Service]\nType=oneshot\n")
    systemctl("daemon-reload")
    assert run("systemctl", "start", "fails").status != 0
    equal((shown("fails", "Result"), shown("fails", "ExecMainStatus")), ("exit-code", "3"))
    write_container(f"{PODMAN}/fails.container", f"Image={HOST}/absent:x\n[Service]\nType=oneshot\n")
    systemctl("daemon-reload")
    assert run("systemctl", "start", "fails").status != 0
    equal(shown("fails", "StatusText"), f"the registry has no image {HOST}/absent:x (404)")
    os.unlink(f"{PODMAN}/fails.container")
    run("systemctl", "reset-failed", "fails")


def test_sockets_are_for_the_command_of_a_container_with_an_init():
    """A program takes them only if LISTEN_PID is its own id (sd_listen_fds(3)); the init itself does not keep them."""
    write_container(f"{UNITS}/below.container", "RunInit=yes\nStopTimeout=1\n"
          "Exec=sh -c 'echo \"for $$LISTEN_PID, $$LISTEN_FDNAMES, of $$$$\"; ls -l /proc/1/fd | grep -c socket:; exec sleep 1000'\n")
    write(f"{UNITS}/below.socket", "[Socket]\nListenStream=/run/below.sock\nListenDatagram=/run/below.datagrams\nFileDescriptorName=web\n")
    systemctl("daemon-reload")
    systemctl("start", "below.socket", "below")
    wait_until(lambda: re.search(r"^for 2, web:web, of 2\n[0-9]", journal("below"), re.MULTILINE), "its output")
    contains(journal("below"), "of 2\n2\n")  # its output streams
    systemctl("stop", "below.socket", "below")
    for suffix in ("container", "socket"):
        os.unlink(f"{UNITS}/below.{suffix}")
    systemctl("daemon-reload")


def test_each_instance_has_its_own_volume_and_network():
    write(f"{UNITS}/own@.volume", "[Volume]\n")
    write(f"{UNITS}/own@.network", "[Network]\nNetworkDeleteOnStop=yes\n")
    write_container(f"{UNITS}/own@.container", "Volume=own@%i.volume:/data\nNetwork=own@%i.network\nStopTimeout=1\n"
                    "Exec=sh -c 'echo %i >>/data/log; exec sleep 1000'\n")
    systemctl("daemon-reload")
    systemctl("start", "own@one", "own@two")
    for name in ("one", "two"):
        equal([shown(f"own{kind}@{name}", "ActiveState") for kind in ("-volume", "-network", "")], ["active"] * 3)
        wait_until(lambda name=name: good("exec", f"systemd-own_{name}", "cat", "/data/log") == f"{name}\n", "its file")
    equal(sorted(row["name"] for row in listing("network", "ls") if "own" in row["name"]), ["systemd-own_one", "systemd-own_two"])
    systemctl("stop", "own@one", "own@two", "own-network@one", "own-network@two", "own-volume@one", "own-volume@two")
    equal([row["name"] for row in listing("network", "ls") if "own" in row["name"]], [])
    good("volume", "rm", "systemd-own_one", "systemd-own_two")
    for kind in ("volume", "network", "container"):
        os.unlink(f"{UNITS}/own@.{kind}")
    systemctl("daemon-reload")


def test_a_connection_starts_a_service():
    write_container(f"{UNITS}/asked.container", "StopTimeout=1\n"
          "Exec=sh -c 'echo \"$$LISTEN_FDS descriptor, $$(readlink /proc/self/fd/3)\"; exec sleep 1000'\n")
    write(f"{UNITS}/asked.socket", "[Socket]\nListenStream=/run/asked.sock\n[Install]\nWantedBy=sockets.target\n")
    systemctl("daemon-reload")
    systemctl("start", "asked.socket")
    equal(shown("asked", "ActiveState"), "inactive")
    client = socket.socket(socket.AF_UNIX)
    client.connect("/run/asked.sock")
    wait_until(lambda: shown("asked", "ActiveState") == "active", "the service")
    wait_until(lambda: "1 descriptor, socket:" in journal("asked"), "the socket in the container")
    client.close()
    systemctl("stop", "asked.socket", "asked")
    for suffix in ("container", "socket"):
        os.unlink(f"{UNITS}/asked.{suffix}")
    systemctl("daemon-reload")


def test_a_proxy_starts_a_service_and_stops_it_when_idle():
    write_container(f"{UNITS}/lazy.container", "RunInit=yes\nNetwork=front.network\nPublishPort=127.0.0.1:18090:80\nExitIdleTimeout=1s\n"
          "HealthCmd=wget -q -O /dev/null http://127.0.0.1/index.html\nHealthInterval=1s\nNotify=healthy\nSecret=db-password,type=env,target=PAGE\n"
          "Exec=sh -c 'mkdir -p /tmp/www; echo \"$$PAGE\" >/tmp/www/index.html; exec httpd -f -p 80 -h /tmp/www'\n")
    write(f"{UNITS}/lazy.socket", "[Socket]\nListenStream=127.0.0.1:18091\n")
    systemctl("daemon-reload")
    units = [f"/run/systemd/generator/lazy{suffix}" for suffix in (".socket", "-proxy.service", ".service")]
    equal(run("systemd-analyze", "verify", "--man=no", *units).err, "")
    systemctl("start", "lazy.socket")
    for _ in range(2):
        equal((shown("lazy-proxy", "ActiveState"), shown("lazy", "ActiveState")), ("inactive", "inactive"))
        answer = run("curl", "-sS", "http://127.0.0.1:18091/")
        assert answer.out == "of the store\n", f"{answer}\n{journal('lazy*')}"
        wait_until(lambda: (shown("lazy-proxy", "ActiveState"), shown("lazy", "ActiveState")) == ("inactive", "inactive"), "both to stop")
        equal((shown("lazy-proxy", "Result"), shown("lazy", "Result")), ("success", "success"))
    equal(shown("lazy.socket", "ActiveState"), "active")
    systemctl("stop", "lazy.socket")
    for suffix in ("container", "socket"):
        os.unlink(f"{UNITS}/lazy.{suffix}")
    systemctl("daemon-reload")


def test_a_drop_in_changes_a_service():
    write(f"{UNITS}/web.container.d/10-greeting.conf", "[Container]\nEnvironment=GREETING=changed\n[Unit]\nDescription=Another\n")
    systemctl("daemon-reload")
    systemctl("restart", "web")
    wait_until(lambda: "changed 100%" in journal("web"), "the new value")
    equal(shown("web", "Description"), "Another")


def test_a_template_has_instances():
    systemctl("start", "worker@500", "worker@600")
    wait_until(lambda: "worker-500 70 71\n" in journal("worker@500"), "the output of one")
    wait_until(lambda: "worker-600 70 71\n" in journal("worker@600"), "the output of the other")
    equal(sorted(row["id"] for row in listing("ps") if "worker" in row["id"]), ["systemd-worker_500", "systemd-worker_600"])
    systemctl("stop", "worker@500", "worker@600")


def snapshots():
    return {name for name in os.listdir("/var/lib/berth/snapshots") if name.startswith("sha256-")}


def mounted(path):
    return run("findmnt", "-n", "-o", "OPTIONS", path).out.strip().split(",")


def test_an_image_is_the_root_of_a_plain_unit():
    """An image with one layer, which is mounted as a directory, and one with two layers, which are mounted as an
    overlay, can be the root of a plain unit."""
    layers = [oci.busybox_layer().directory("run").directory("var").directory("var/tmp"), oci.Layer().add("said", b"by the image\n")]
    good("pull", IMAGE)
    before = snapshots()
    for name, count in (("one", 1), ("a-two", 2)):
        image, place = f"{HOST}/units/{name}:x", f"/run/berth/images/{name}"
        unit = run("systemd-escape", "-p", "--suffix=mount", place).out.strip()
        oci.push(oci.Image(layers[:count], {"Cmd": ["x"]}), image)
        write(f"{UNITS}/{name}.image", f"[Image]\nImage={image}\n")
        write(f"/run/systemd/system/plain-{name}.service", f"[Service]\nType=exec\nRootDirectory={place}\n"
              "ExecStart=/bin/sh -c 'cat /said; exec sleep 1000'\n")
        systemctl("daemon-reload")
        systemctl("start", f"plain-{name}")
        for option in ("ro", "nosuid", "nodev"):
            contains(mounted(place), option)
        # The image loses its name, the service is killed, and all unused objects are pruned.
        good("rmi", image)
        kill_service()
        good("prune", "-f")
        root = f"/proc/{shown(f'plain-{name}', 'MainPID')}/root"
        assert os.path.exists(f"{root}/bin/busybox") and os.path.exists(f"{place}/bin/busybox")
        if count == 2:
            wait_until(lambda name=name: "by the image" in journal(f"plain-{name}"), "its output")
        assert snapshots() - before
        systemctl("stop", f"plain-{name}")
        wait_until(lambda unit=unit: shown(unit, "ActiveState") == "inactive", "the end of the mount")
        assert not os.path.ismount(place)
        good("prune", "-f")
        os.unlink(f"{UNITS}/{name}.image")
        systemctl("stop", f"{name}-image")
    wait_until(lambda: snapshots() == before, "the snapshots that were there before")
    systemctl("daemon-reload")


def test_mount_takes_an_image():
    os.makedirs("/run/an-image", exist_ok=True)
    good("pull", IMAGE)
    result = run("mount", "-t", "berth", "-o", "noexec,setuid", IMAGE, "/run/an-image")
    equal(result.status, 0, result.err)
    options = mounted("/run/an-image")
    equal([name for name in ("ro", "nosuid", "nodev", "noexec") if name in options], ["ro", "nodev", "noexec"])
    equal(run("umount", "/run/an-image").status, 0)
    for command, said in ((("mount", "-t", "berth", "-o", "size=1", IMAGE, "/run/an-image"), 'option "size=1" is not supported'),
                          (("mount", "-t", "berth", f"{HOST}/units/none:x", "/run/an-image"), "none:x"),
                          (("unshare", "-m", "mount", "-t", "berth", IMAGE, "/run/an-image"), "the host's mount namespace only")):
        result = run(*command)
        equal((result.status, os.path.ismount("/run/an-image")), (32, False))
        contains(result.err, said)


def test_the_system_starts_installed_units():
    for unit in ("web.service", "worker@1000.service"):
        contains(shown("multi-user.target", "Wants").split(), unit)
    systemctl("stop", "web")
    # As at boot: the target starts the units that it wants.
    systemctl("start", "multi-user.target")
    for unit in ("web", "worker@1000"):
        wait_until(lambda unit=unit: shown(unit, "ActiveState") == "active", unit)
    equal(shown("web", "UnitFileState"), "generated")
    systemctl("stop", "worker@1000")


def test_an_error_is_in_the_journal_and_affects_no_other_file():
    write_container(f"{UNITS}/bad.container", "\nFrobnicate=yes\n")
    systemctl("daemon-reload")
    wait_until(lambda: run("journalctl", "-b", "-t", "berth-generator", "-o", "cat").out ==
               f"{UNITS}/bad.container:4: unknown key Frobnicate= in [Container]\n", "the message")
    # It is in the log of the unit, which systemd does not have.
    equal(run("journalctl", "-b", "-u", "bad.service", "-o", "cat").out,
          f"{UNITS}/bad.container:4: unknown key Frobnicate= in [Container]\n")
    contains(run("systemctl", "start", "bad").err, "not found")
    equal(shown("web", "LoadState"), "loaded")
    # So is an error in a drop-in, whose own name says nothing about the unit.
    write_container(f"{UNITS}/bad.container", "")
    write(f"{UNITS}/bad.container.d/more.conf", "nonsense\n")
    systemctl("daemon-reload")
    wait_until(lambda: f'{UNITS}/bad.container.d/more.conf:1: "nonsense" is neither a section nor KEY=VALUE\n' in journal("bad"), "the message")
    shutil.rmtree(f"{UNITS}/bad.container.d")
    os.unlink(f"{UNITS}/bad.container")
    systemctl("daemon-reload")


def test_dist_installs_files():
    write_container("/tmp/units/new.container", "Volume=new.volume:/data\nStopTimeout=1\n")
    result = dist("unit", "install", "/tmp/units/new.container")
    equal((result.status, result.out), (1, ""))
    equal(result.err, "/tmp/units/new.container:3: Volume=: there is no unit file new.volume\n")
    assert not os.path.exists(f"{UNITS}/new.container")
    write("/tmp/units/new.volume", "[Volume]\n")
    equal(good("unit", "install", "/tmp/units/new.container", "/tmp/units/new.volume"), f"{UNITS}/new.container\n{UNITS}/new.volume\n")
    systemctl("start", "new")
    contains(good("volume", "list"), "systemd-new")
    result = dist("unit", "rm", "new")
    equal((result.status, result.err), (1, 'dist: new.service is active; "systemctl stop" stops it\n'))
    systemctl("stop", "new")
    result = dist("unit", "install", "/tmp/units/new.volume", user="alice")
    equal(result.status, 1)
    contains(result.err, "Permission denied")
    equal(dist("rm", "--ignore", "nothing").status, 0)
    equal(dist("rm", "nothing").status, 1)
    equal(dist("volume", "create", "systemd-new").status, 1)
    contains(dist("unit", "rm", "new.volume").err, "new-volume.service is active")
    systemctl("stop", "new-volume")
    equal(good("unit", "rm", "new", "new.volume"), f"{UNITS}/new.container\n{UNITS}/new.volume\n")
    equal(shown("new", "LoadState"), "not-found")
    contains(dist("unit", "rm", "new").err, "there is no unit file new")
    os.makedirs("/run/berth/units", exist_ok=True)
    write_container("/run/berth/units/elsewhere.container", "")
    contains(dist("unit", "rm", "elsewhere").err, f"/run/berth/units/elsewhere.container is not in {UNITS}")
    os.unlink("/run/berth/units/elsewhere.container")


def test_a_user_has_units():
    uid = run("id", "-u", "alice").out.strip()
    home = os.path.expanduser("~alice")
    allow("alice", 'action.id.indexOf("org.berth1.") == 0')
    write_container(f"{home}/.config/berth/units/mine.container", "Exec=sh -c 'echo mine; exec sleep 1000'\nStopTimeout=1\n")
    run("chown", "-R", "alice:", f"{home}/.config")
    distributed = [f"/usr/lib/berth/units/users/{uid}/one.container", "/usr/lib/berth/units/users/two.container",
                   f"/usr/share/containers/systemd/users/{uid}/three.container", "/usr/share/containers/systemd/users/four.container"]
    for path in distributed:
        write_container(path, "")
    systemctl("start", f"user@{uid}")
    wait_until(lambda: run("systemctl", "-M", "alice@", "--user", "start", "mine").status == 0, "the start")
    equal(run("systemctl", "-M", "alice@", "--user", "show", "-P", "FragmentPath", "mine").out.strip(),
          f"/run/user/{uid}/systemd/generator/mine.service")
    contains([(row["id"], row["owner"]) for row in listing("ps")], ("systemd-mine", int(uid)))
    for name in ("one", "two", "three", "four"):
        equal(run("systemctl", "-M", "alice@", "--user", "show", "-P", "LoadState", name).out.strip(), "loaded", name)
    for path in distributed:
        os.unlink(path)
    equal(run("systemctl", "-M", "alice@", "--user", "stop", "mine").status, 0)
    assert "systemd-mine" not in good("ps", "-a", "-q").split()
    systemctl("stop", f"user@{uid}")


def test_a_message_about_a_file_cannot_control_a_terminal():
    """A file from elsewhere can be checked before it is trusted."""
    write("/tmp/units/painted.container", f"[Container]\nImage={IMAGE}\nKey\x1b[2J\u009b\u202e=1\nVolume=\x1b[2J\u009b:\u202e\n")
    result = dist("unit", "check", "/tmp/units/painted.container")
    contains(result.err, "painted.container:3: unknown key Key\ufffd[2J")
    assert not any(c in result.err for c in "\x1b\u009b\u202e"), result
    os.unlink("/tmp/units/painted.container")


def updated():
    return {row["unit"]: row["updated"] for row in listing("auto-update", "--dry-run")}


def test_auto_update_takes_newer_images_and_rolls_bad_ones_back():
    name = f"{HOST}/units/moving:x"

    def push(command):
        oci.push(oci.busybox_image(Cmd=["sh", "-c", command]), name)

    def serve(text):
        return f"trap 'exit 0' TERM; echo {text}; while :; do sleep 0.1; done"

    push(serve("version-1"))
    write_container(f"{UNITS}/moving.container", "AutoUpdate=registry\n", name)
    write_container(f"{UNITS}/still.container", "AutoUpdate=local\nStopTimeout=1\n")
    systemctl("daemon-reload")
    systemctl("start", "moving", "still")
    equal(updated(), {"moving.service": "false", "still.service": "false"})
    # Pulling the image again changes nothing.
    good("pull", IMAGE)
    equal(updated(), {"moving.service": "false", "still.service": "false"})
    push(serve("version-2"))
    equal(updated(), {"moving.service": "pending", "still.service": "false"})
    equal([row["updated"] for row in listing("auto-update")], ["true", "false"])
    wait_until(lambda: "version-2\n" in journal("moving"), "the newer image")
    equal(updated(), {"moving.service": "false", "still.service": "false"})
    # If the new image does not start, the service of the timer fails and reports this. Images without names are pruned
    # meanwhile, but a lease keeps the former image.
    good_digest = image_digest(name)
    write(f"{UNITS}/moving.container.d/prune.conf", "[Service]\nExecStartPre=/usr/bin/dist prune contents\n")
    systemctl("daemon-reload")
    oci.push(oci.Image([oci.busybox_layer()], {"Cmd": ["/no-such-program"]}), name)
    assert run("systemctl", "start", "berth-update").status != 0
    for text in ("moving.service did not become ready with the new image", "rolled back"):
        wait_until(lambda: text in journal("berth-update"), text)  # pylint: disable=cell-var-from-loop
    equal(shown("moving", "ActiveState"), "active")
    equal(image_digest(name), good_digest)
    equal(listing("lease", "list"), [])
    # Two units share an image. If the second unit does not become ready with the newer image, both units return to the
    # former one.
    shutil.rmtree(f"{UNITS}/moving.container.d")
    write_container(f"{UNITS}/sharing.container", "AutoUpdate=registry\n", name)
    systemctl("daemon-reload")
    systemctl("start", "sharing")
    push(serve("version-3"))
    first, second = [row["unit"] for row in listing("auto-update", "--dry-run") if row["unit"] != "still.service"]
    write(f"{UNITS}/{second.removesuffix('.service')}.container.d/refuse.conf",
          f"[Service]\nExecStartPre=/bin/sh -c 'dist images --json | grep -q {good_digest}'\n")
    systemctl("daemon-reload")
    result = dist("auto-update", "--json")
    assert result.status != 0, result
    rows = {row["unit"]: row["updated"] for row in json.loads(result.out)}
    equal(rows, {first: "true", second: "rolled back", "still.service": "false"})
    wait_until(lambda: "version-3\n" in journal(first), "the newer image of the first unit")
    equal([shown(unit, "ActiveState") for unit in (first, second)], ["active", "active"])
    equal(image_digest(name), good_digest)
    equal(listing("lease", "list"), [])
    # A target that another client has set for the name is used, too.
    good("tag", name, IMAGE)
    equal(updated()["still.service"], "pending")
    systemctl("stop", "moving", "sharing", "still")
    shutil.rmtree(f"{UNITS}/{second.removesuffix('.service')}.container.d")
    # Other values of the label do not request updates.
    write_container(f"{UNITS}/off.container", "Label=io.containers.autoupdate=disabled\nStopTimeout=1\n")
    systemctl("daemon-reload")
    systemctl("start", "off")
    equal(updated(), {})
    systemctl("stop", "off")
    for unit in ("moving", "sharing", "still", "off"):
        os.unlink(f"{UNITS}/{unit}.container")
    systemctl("daemon-reload")


POD = {
    f"{UNITS}/shop.pod": "[Unit]\nDescription=Shop\n\n[Pod]\nPodName=shop\nNetwork=front.network\nPublishPort=127.0.0.1:18093:8080\nVolume=./web:/of-the-pod:ro\n",
    f"{UNITS}/shop.pod.d/name.conf": "[Pod]\nHostName=counter\n",
    f"{UNITS}/shop-web.container": f"""
[Container]
Image={IMAGE}
ContainerName=shop-web
Pod=shop.pod
StopTimeout=1
Exec=sh -c 'mkdir -p /tmp/www; hostname >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'
""",
    f"{UNITS}/shop-client.container": f"""
[Container]
Image={IMAGE}
ContainerName=shop-client
Pod=shop.pod
StopTimeout=1
Exec=sh -c 'until wget -q -O - http://127.0.0.1:8080/; do sleep 0.2; done; exec sleep 1000'
""",
    f"{UNITS}/shop-later.container": f"""
[Container]
Image={IMAGE}
ContainerName=shop-later
Pod=shop.pod
StartWithPod=no
StopTimeout=1
Exec=sleep 1000
""",
}


def active(*units):
    """Returns those of the units that are active; a container that was stopped with SIGKILL leaves a failed unit."""
    return [unit for unit in units if shown(unit, "ActiveState") == "active"]


SHOP = ["shop-pod", "shop-web", "shop-client", "shop-later"]


def test_a_pod_is_a_service_that_its_containers_are_bound_to():
    for path, text in POD.items():
        write(path, text)
    systemctl("daemon-reload")
    rows = {row["unit"]: row["state"] for row in listing("unit", "list")}
    equal([rows[f"{unit}.service"] for unit in SHOP], ["ok"] * 4)
    systemctl("start", "shop-pod")
    wait_until(lambda: active(*SHOP) == SHOP[:3], "the pod and its containers")
    # The containers of the pod reach each other at localhost, and can be reached through the pod's port.
    wait_until(lambda: "counter" in journal("shop-client"), "the answer")
    wait_until(lambda: run("curl", "-s", "http://127.0.0.1:18093/").out == "counter\n", "the port")
    equal([sorted(row["containers"]) for row in listing("pod", "ps")], [["shop-client", "shop-web"]])
    for name in ("shop-client", "shop-web"):
        equal(good("exec", name, "cat", "/of-the-pod/index.html"), "It works\n")
    # A container that is started later joins the same pod; each container is the process of its own unit.
    before = shown("shop-pod", "MainPID")
    systemctl("start", "shop-later")
    equal((shown("shop-pod", "MainPID"), active("shop-later")), (before, ["shop-later"]))
    for unit in ("shop-pod", "shop-web", "shop-later"):
        assert re.findall(rf"/{unit}\.service/berth-", "\n".join(path for path, *_ in os.walk("/sys/fs/cgroup"))), unit
    systemctl("stop", "shop-pod")
    equal(active(*SHOP), [])
    equal([row["id"] for row in listing("ps", "-a") if row["id"].startswith("shop")], [])
    equal(listing("pod", "ps"), [])


def test_a_pod_starts_with_its_container_and_ends_with_the_last_one():
    systemctl("start", "shop-later")
    wait_until(lambda: active(*SHOP) == SHOP, "the pod and its containers")
    systemctl("stop", "shop-web", "shop-client")
    equal(active(*SHOP), ["shop-pod", "shop-later"])
    good("kill", "-s", "KILL", "shop-later")
    wait_until(lambda: active(*SHOP) == [], "the pod's end")
    write(f"{UNITS}/shop.pod.d/stay.conf", "[Pod]\nExitPolicy=continue\n")
    systemctl("daemon-reload")
    systemctl("start", "shop-later")
    wait_until(lambda: active(*SHOP) == SHOP, "its containers")
    systemctl("stop", "shop-web", "shop-client", "shop-later")
    equal((active(*SHOP), [row["state"] for row in listing("pod", "ps")]), (["shop-pod"], ["running"]))
    # If a pod is killed, its containers end with it; it returns with the containers that are started together with it.
    systemctl("start", "shop-web")
    before = shown("shop-pod", "MainPID"), shown("shop-web", "MainPID")
    os.kill(int(before[0]), 9)
    wait_until(lambda: active("shop-pod", "shop-web") == ["shop-pod", "shop-web"] and shown("shop-pod", "MainPID") != before[0] and
               shown("shop-web", "MainPID") != before[1], "the restart")
    systemctl("stop", "shop-pod")
    equal((active(*SHOP), listing("pod", "ps")), ([], []))


def test_mistakes_in_pods_name_file_and_line():
    write(f"{UNITS}/shop.pod.d/stay.conf", "[Pod]\nExitPolicy=never\n")
    write(f"{UNITS}/shop-web.container.d/port.conf", "[Container]\nPublishPort=80\n")
    result = dist("unit", "check", f"{UNITS}/shop.pod", f"{UNITS}/shop-web.container")
    assert result.status != 0, result
    contains(result.err, f"{UNITS}/shop.pod.d/stay.conf:2: ExitPolicy= takes stop or continue, not \"never\"")
    contains(result.err, f"{UNITS}/shop-web.container.d/port.conf:2: PublishPort= is not supported: set it in the .pod file")
    for path in [*POD, f"{UNITS}/shop.pod.d/stay.conf", f"{UNITS}/shop-web.container.d/port.conf"]:
        os.unlink(path)
    systemctl("daemon-reload")


def test_the_generator_is_quick():
    for number in range(200):
        write(f"/tmp/many/c{number}.container", FILES[f"{UNITS}/web.container"].replace("ContainerName=web\n", ""))
    os.makedirs("/tmp/many-out", exist_ok=True)
    before = os.times()
    equal(run("/usr/lib/systemd/system-generators/berth-generator", "/tmp/many-out", "/tmp/many-out", "/tmp/many-out",
              env={"BERTH_UNIT_DIRS": "/tmp/many"}).err, "")
    after = os.times()
    assert len(os.listdir("/tmp/many-out")) >= 200
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 1, f"{used} s of CPU time for 200 files"


def test_teardown():
    for unit in ("web", "db", "db-image", "db-volume"):
        systemctl("stop", unit)
    wait_until(lambda: good("ps", "-a", "-q") == "", "the removal of all containers")
    equal(run("systemctl", "--failed", "--no-legend", "web*", "db*", "worker*", "backup*", "new*").out.strip(), "")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
