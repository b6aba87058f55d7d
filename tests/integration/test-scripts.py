# SPDX-License-Identifier: LGPL-2.1-or-later
# Lines of scripts for docker and podman: templates, "exists", --all and --latest, and options that scripts give without
# need.

import json
import os
import re
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/scripts/box:x"


def template(text, *names, verb="inspect"):
    return good(*verb.split(), "-f", text, *names)


def refused(*words, says, status=1):
    result = dist(*words)
    equal((result.status, result.out), (status, ""), words)
    contains(result.err, says)


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"], Labels={"kind": "box"}), IMAGE)
    good("pull", IMAGE)
    good("network", "create", "--subnet=10.89.78.0/24", "front")
    os.makedirs("/srv/volumes/path")
    good("run", "-d", "--name=web", "--network=front", "-l", "a=b", "--label=c.d=two words", "-v", "kept:/data",
         "-v", "/srv/volumes/path:/host:ro", "--restart=on-failure", IMAGE)
    good("create", "--name=made", "--network=none", IMAGE)


def test_inspect_takes_dockers_templates():
    [web] = [row for row in listing("ps") if row["id"] == "web"]
    equal(template("{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Pid}}", "web"), f"running true false {web['pid']}\n")
    equal(template("{{.State.Status}} {{.State.ExitCode}} {{.State.FinishedAt}}", "made"), "created 0 0001-01-01T00:00:00Z\n")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\n", template("{{.State.StartedAt}}", "web"))
    equal(template("{{.Name}} {{.Id}} {{.Config.Image}} {{.Config.Cmd}}", "web"), f"web web {IMAGE} [sleep 1000]\n")
    contains(json.loads(template("{{json .Config.Env}}", "web")), "PATH=/bin")
    equal(template('{{index .Config.Labels "c.d"}}|{{index .Config.Labels "none"}}|{{.Config.Labels.a}}', "web"), "two words||b\n")
    [address] = re.findall(r"10\.89\.78\.\d+", template("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "web"))
    equal(template("{{.NetworkSettings.IPAddress}} {{.NetworkSettings.Networks.front.IPAddress}}", "web"), f"{address} {address}\n")
    equal(template(r"{{range .Mounts}}{{.Type}} {{.Name}} {{.Source}} {{.Destination}} {{.RW}}\n{{end}}", "web"),
          "bind  /srv/volumes/path /host false\nvolume kept /var/lib/berth/volumes/kept /data true\n\n")
    equal(template("{{range .Mounts}}{{.Source}}{{else}}none{{end}}", "made"), "none\n")
    equal(template("{{if .State.Running}}up{{else}}down{{end}}", "web", "made"), "up\ndown\n")
    command = json.loads(template("{{json .Config.Cmd}}", "web"))
    equal([template("{{.Path}}", "web").strip(), *json.loads(template("{{json .Args}}", "web"))], command)
    equal(json.loads(template("{{json .Config.ExposedPorts}}", "web")), {port: {} for port in json.loads(template("{{json .exposedPorts}}", "web"))})
    equal(template("{{json .HostConfig.PortBindings}}", "web"), template("{{json .NetworkSettings.Ports}}", "web"))
    equal(template("{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.NetworkMode}}", "web"), "on-failure front\n")
    # The members of the document itself keep their names.
    equal(template("{{.state}} {{.config.process.args}} {{json .networks}}", "web"), 'running [sleep 1000] ["front"]\n')


def test_inspect_has_dockers_members_of_limits_and_rights():
    image = f"{HOST}/scripts/entry:x"
    oci.push(oci.busybox_image(Entrypoint=["/bin/busybox"], Cmd=["sleep", "999"], User="7:8", WorkingDir="/tmp", StopSignal="SIGINT"), image)
    good("pull", image)
    good("create", "--name=limited", "--network=none", "--memory=64m", "--cpus=1.5", "--pids-limit=50", "--cpu-shares=512", "--memory-swap=96m",
         "--cap-add=NET_ADMIN", "--cap-drop=chown", "--read-only", "--restart=on-failure:4", "--stop-timeout=7",
         "-v", "kept:/data:ro", "-v", "/srv/volumes/path:/host", "--tmpfs=/scratch", image, "sleep", "1000")
    host = json.loads(template("{{json .HostConfig}}", "limited"))
    for key, value in {"Memory": 64 << 20, "MemorySwap": 96 << 20, "NanoCpus": 1500000000, "CpuQuota": 150000, "CpuPeriod": 100000, "PidsLimit": 50,
                       "CapAdd": ["CAP_NET_ADMIN"], "CapDrop": ["CAP_CHOWN"], "ReadonlyRootfs": True, "Privileged": False,
                       "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 4}, "Binds": ["/srv/volumes/path:/host", "kept:/data:ro"]}.items():
        equal(host[key], value, key)
    # What it knows is a weight, which the same option makes of these shares, too.
    good("update", f"--cpu-shares={host['CpuShares']}", "limited")
    equal(json.loads(template("{{json .HostConfig}}", "limited"))["CpuShares"], host["CpuShares"])
    good("update", "--memory=32m", "limited")
    equal(template("{{.HostConfig.Memory}}", "limited"), f"{32 << 20}\n")
    equal(template("{{.Config.Entrypoint}} {{.Config.Cmd}} {{.Config.User}} {{.Config.WorkingDir}} {{.Config.StopSignal}} {{.Config.StopTimeout}}", "limited"),
          "[/bin/busybox] [sleep 1000] 7:8 /tmp SIGINT 7\n")
    equal(template("{{.Path}} {{.Args}} {{.Driver}} {{.LogPath}}|", "limited"), "/bin/busybox [sleep 1000] overlay |\n")
    equal(template("{{.RestartCount}} {{.State.Restarting}} {{.State.Error}}|{{.State.OOMKilled}}", "limited"), "0 false |false\n")
    equal(template("{{.limits.MemoryMax}} {{.restartLimit}} {{.volumes}}", "limited"), f"{32 << 20} 4 [kept]\n")
    for words, expected in ((("--entrypoint=/bin/sh",), ["/bin/sh"]), (("--entrypoint=",), []), (("--entrypoint=", "--init"), [])):
        good("create", "--name=entered", "--network=none", *words, image, "echo", "hello")
        equal([json.loads(template(f"{{{{json .Config.{key}}}}}", "entered")) for key in ("Entrypoint", "Cmd")], [expected, ["echo", "hello"]], words)
        good("rm", "entered")
    good("create", "--name=free", "--network=none", "--privileged", image)
    equal(template("{{.HostConfig.Privileged}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuShares}} {{.HostConfig.ReadonlyRootfs}}", "free"),
          "true 0 0 0 false\n")
    equal(template("{{.HostConfig.CapDrop}} {{.HostConfig.Binds}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}", "free"), "[] [] 0\n")
    assert "CAP_SYS_ADMIN" in json.loads(template("{{json .HostConfig.CapAdd}}", "free"))
    good("rm", "limited", "free")
    good("rmi", image)


def test_inspect_has_gateways_and_hardware_addresses():
    good("network", "create", "--subnet=10.89.79.0/24", "--subnet=fd79::/64", "sixes")
    good("run", "-d", "--name=both", "--network=front", "--network=sixes", IMAGE)
    mac = good("exec", "both", "cat", "/sys/class/net/eth0/address").strip()
    settings = json.loads(template("{{json .NetworkSettings}}", "both"))
    equal([settings[key] for key in ("Gateway", "MacAddress", "IPPrefixLen")], ["10.89.78.1", mac, 24])
    front, sixes = settings["Networks"]["front"], settings["Networks"]["sixes"]
    equal((front["Gateway"], front["MacAddress"], front["IPAddress"], front["IPPrefixLen"]), ("10.89.78.1", mac, settings["IPAddress"], 24))
    [subnet] = [text for text in json.loads(good("network", "inspect", "front"))[0]["subnets"] if ":" in text]
    equal((front["IPv6Gateway"], front["GlobalIPv6PrefixLen"]), (subnet.replace("/64", "1"), 64))
    equal((sixes["Gateway"], sixes["IPv6Gateway"], sixes["GlobalIPv6PrefixLen"]), ("10.89.79.1", "fd79::1", 64))
    assert sixes["GlobalIPv6Address"].startswith("fd79::") and sixes["MacAddress"] not in ("", mac), sixes
    good("stop", "-t0", "both")
    settings = json.loads(template("{{json .NetworkSettings}}", "both"))
    equal((settings["Gateway"], settings["MacAddress"], settings["IPAddress"]), ("", "", ""))
    equal(set(settings["Networks"]), {"front", "sixes"})
    good("rm", "both")
    good("network", "rm", "sixes")


def test_inspect_has_the_error_of_a_failed_start():
    good("create", "--name=broken", "--network=none", IMAGE, "/none")
    failed = dist("start", "broken")
    error = template("{{.State.Error}}", "broken").strip()
    contains(error, "/none")
    contains(failed.err, error)
    # It survives the service, which has forgotten all that is not on disk.
    kill_service()
    equal(template("{{.State.Error}}", "broken").strip(), error)
    good("rm", "broken")
    os.mkdir("/srv/moved")
    good("create", "--name=moved", "--network=none", "-v", "/srv/moved:/x", IMAGE)
    os.rename("/srv/moved", "/srv/away")
    refused("start", "moved", says="/srv/moved")
    contains(template("{{.State.Error}}", "moved"), "/srv/moved")
    os.rename("/srv/away", "/srv/moved")
    good("start", "moved")
    equal(template("{{.State.Error}}|{{.State.Running}}", "moved"), "|true\n")
    good("rm", "-f", "moved")


def test_inspect_takes_templates_for_images():
    config = json.loads(good("inspect", IMAGE))
    equal(template("{{.Architecture}} {{.Config.Cmd}} {{index .Config.Labels \"kind\"}}", IMAGE), f"{config['architecture']} [sleep 1000] box\n")
    manifest = json.loads(good("inspect", "--manifest", IMAGE))
    equal(template("{{.Id}}", IMAGE), manifest["config"]["digest"] + "\n")
    equal(good("inspect", "--manifest", "--format={{.config.digest}}", IMAGE), manifest["config"]["digest"] + "\n")
    equal(json.loads(good("inspect", "--format=json", IMAGE)), config)
    equal(json.loads(template("{{json .RootFS.Layers}}", IMAGE)), config["rootfs"]["diff_ids"])
    [row] = [row for row in listing("images") if row["name"] == IMAGE]
    equal(template("{{.Digest}} {{.Size}} {{.Os}}", IMAGE), f"{row['digest']} {row['size']} linux\n")
    # All names of the same target, in their order; one name of each repository with the digest.
    good("tag", IMAGE, "localhost/a/box:1")
    good("tag", IMAGE, "localhost/a/box:2")
    equal(json.loads(template("{{json .RepoTags}}", IMAGE)), [IMAGE, "localhost/a/box:1", "localhost/a/box:2"])
    equal(template("{{index .RepoDigests 1}}", "localhost/a/box:1"), f"localhost/a/box@{row['digest']}\n")
    good("rmi", "localhost/a/box:1", "localhost/a/box:2")


def test_what_a_template_cannot_have_is_an_error():
    for text, says in (("{{.State.Nothing}}", 'unknown field "{{.State.Nothing}}"'), ("{{range .Mounts}}x", '"{{end}}" is missing'),
                       ("{{range $k, $v := .Mounts}}{{end}}", "unknown field"), ("{{println .Name}}", "unknown field"), ("{{.}", None),
                       ("id,state", "takes json or a template"), ("{{" + "if .Id}}{{" * 20 + "end}}", "--format")):
        if says:
            refused("inspect", "-f", text, "web", says=says)
        else:
            equal(template(text, "web"), text + "\n")


def test_container_comes_before_an_image_of_its_name():
    good("tag", IMAGE, "both")
    good("create", "--name=both", "both")
    equal(template("{{.State.Status}}", "both"), "created\n")
    equal(template("{{.State.Status}}", "both", verb="container inspect"), "created\n")
    equal(template("{{.Config.Cmd}}", "both", verb="image inspect"), "[sleep 1000]\n")
    contains(good("inspect", "--type=image", "both"), "rootfs")
    config = json.loads(good("inspect", IMAGE))
    contains(good("inspect", f"--platform={config['os']}/{config['architecture']}", "both"), "rootfs")
    good("rm", "both")
    contains(good("inspect", "both"), "diff_ids")
    # In docker's words of two parts, the documents are in docker's array.
    [found] = json.loads(good("container", "inspect", "web"))
    equal((found["Id"], found["Image"], found["State"]["Status"], found["Config"]["Image"]), ("web", IMAGE, "running", IMAGE))
    first, second = json.loads(good("image", "inspect", IMAGE, "both"))
    equal((first["Id"], first["Config"]["Cmd"], first["Os"]), (second["Id"], config["config"]["Cmd"], "linux"))
    equal(sorted(second["RepoTags"]), sorted([IMAGE, "docker.io/library/both:latest"]))
    result = dist("container", "inspect", "nothing", "web")
    equal((result.status, len(json.loads(result.out))), (1, 1))
    refused("container", "inspect", "both", says='there is no container "both"')
    refused("image", "inspect", "web", says='there is no image "docker.io/library/web:latest" here')
    refused("inspect", "--type=volume", "web", says='invalid value "volume" of --type')
    result = dist("inspect", "-f", "{{.Name}}", "web", "nothing", "made")
    equal((result.status, result.out), (1, "web\nmade\n"))
    contains(result.err, 'there is no image or container "nothing"')
    good("rmi", "both")


def test_exists_says_it_with_its_status():
    good("pod", "create", "shop")
    for words, name in ((("container",), "web"), (("image",), IMAGE), (("volume",), "kept"), (("network",), "front"), (("pod",), "shop")):
        for asked, status in ((name, 0), ("nothing", 1)):
            result = dist(*words, "exists", asked)
            equal((result.status, result.out, result.err), (status, "", ""), words)
    equal([dist("volume", "exists", name).status for name in ("k*", "kep")], [1, 1])
    equal([dist("image", "exists", "web").status, dist("container", "exists", IMAGE).status], [1, 1])
    good("pod", "rm", "shop")


def test_listings_take_dockers_columns():
    [web] = listing("ps")
    equal(good("ps", "--format={{.Names}} {{.ID}} {{.Image}} {{.State}}"), f"web web {IMAGE} running\n")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \| .* ago\n", good("ps", "--format={{.CreatedAt}} | {{.RunningFor}}"))
    equal(good("ps", "--format=table {{.Names}}\\t{{.State}}").split(), ["ID", "STATE", "web", "running"])
    shown = json.loads(good("ps", "--format={{json .}}"))
    equal({key: shown[key] for key in web if key != "status"}, {key: web[key] for key in web if key != "status"})
    equal(good("images", "--format={{.ID}}"), f"{IMAGE}\n")
    equal(good("volume", "ls", "--format={{.Name}}"), "kept\n")
    equal(good("volume", "inspect", "-f", "{{.Mountpoint}} {{.Labels}}", "kept"), "/var/lib/berth/volumes/kept map[]\n")
    equal(good("network", "inspect", "-f", "{{range .Containers}}{{.Id}} {{end}}{{index .Subnets 0}}", "front"), "web 10.89.78.0/24\n")
    refused("ps", "--filter=name=none", "--format={{.Names}} {{.Nothing}}", says='unknown field "{{.Nothing}}"')


def test_ps_shows_sizes_labels_and_networks():
    def filled(text):
        return good("ps", "--filter=name=large", f"--format={text}")

    good("run", "-d", "--name=large", "--network=front", "-v", "kept:/data", "--label=a=b", "--label=c.d=two words", IMAGE)
    good("exec", "large", "dd", "if=/dev/zero", "of=/file", "bs=1M", "count=3")
    contains(good("ps", "--filter=name=large", "--size").splitlines()[0], "SIZE")
    assert "SIZE" not in good("ps").splitlines()[0]
    [row] = listing("ps", "--filter=name=large", "-s")
    assert 3 << 20 <= row["size"] < 4 << 20, row
    assert "size" not in listing("ps")[0]
    shown = filled("{{.Names}} {{.Size}}").split()
    equal((shown[0], shown[2]), ("large", "MB"))
    equal(good("ps", "--filter=name=large", "--format=id,size").split()[:2], ["ID", "SIZE"])
    equal(filled('{{.Labels.a}}|{{.Label "c.d"}}|{{.Label "none"}}|{{index .Labels "a"}}|{{.Networks}}|{{.Volumes}}|{{.Restarts}}|{{.Pod}}|'),
          "b|two words||b|front|kept|0||\n")
    contains(filled("{{.Labels}}"), "a:b")
    equal((row["networks"], row["volumes"], row["labels"]["c.d"], row["restarts"], row["pod"]), (["front"], ["kept"], "two words", 0, ""))
    # Others read docker's names from what json prints.
    shown = json.loads(filled("{{json .}}"))
    equal([shown[key] for key in ("ID", "Names", "Image", "State", "Networks")], ["large", "large", IMAGE, "running", ["front"]])
    equal((shown["Labels"]["a"], shown["id"], shown["Status"][:3]), ("b", "large", "up "))
    assert {"CreatedAt", "RunningFor", "Ports", "Command"} <= set(shown), shown
    equal(set(json.loads(good("images", "--format={{json .}}", "--filter=reference=scripts/box"))) & {"ID", "Repository", "Tag", "Size", "Digest"},
          {"ID", "Repository", "Tag", "Size", "Digest"})
    # For others, the measurement needs a right that the list does not.
    equal(dist("ps", user="nobody").status, 0)
    good("rm", "-f", "large")


def test_ps_shows_the_last():
    equal(good("ps", "-lq"), "made\n")
    equal(good("ps", "-n", "1", "-q"), "made\n")
    equal(good("ps", "--last=2", "-q"), "web\nmade\n")
    equal(good("ps", "-n5", "-q"), "web\nmade\n")
    equal(good("ps", "-n0", "-q"), "")
    equal(good("ps", "-l", "-q", "--filter=before=made"), "web\n")


def test_images_are_listed_by_their_short_name():
    good("tag", IMAGE, "localhost/other/box:y")
    good("tag", IMAGE, "alpine:3")
    for words, found in ((["box"], [IMAGE, "localhost/other/box:y"]), (["box:y"], ["localhost/other/box:y"]), (["other/box"], ["localhost/other/box:y"]),
                         (["ox"], []), (["alpine"], ["docker.io/library/alpine:3"]), ([IMAGE], [IMAGE]), ([f"{HOST}/*"], [IMAGE]), (["-a", "alpine:3"], ["docker.io/library/alpine:3"])):
        equal(sorted(good("images", "-q", *words).split()), sorted(found), words)
    contains(good("images", "--tree", "alpine"), "docker.io/library/alpine:3\n")
    contains(good("images", "--digests", "alpine"), image_digest(IMAGE))


def test_rmi_takes_podmans_options():
    equal(good("rmi", "-f", "alpine:3"), "docker.io/library/alpine:3\n")
    equal(good("rmi", "-i", "alpine:3"), "")
    equal(good("rmi", "--ignore", "alpine:3", "localhost/other/box:y"), "localhost/other/box:y\n")
    refused("rmi", "alpine:3", says="there is no image")
    equal(good("rmi", "-f", "alpine:3"), "")
    refused("rmi", says="rmi takes NAME… or --all")
    refused("rmi", "-a", "x", says="rmi takes NAME… or --all")


def test_registries_take_podmans_options():
    good("pull", "--tls-verify=false", IMAGE)
    good("push", "--tls-verify=false", IMAGE, f"{HOST}/scripts/pushed:x")
    for words in (("pull", "--creds=a:b", IMAGE), ("push", "--creds=a:b", IMAGE), ("login", "-u", "a", "-p", "b", HOST)):
        refused(*words, says="every user can see the command line")


def states():
    return {row["id"]: row["state"] for row in listing("ps", "-a")}


def test_start_takes_several_and_those_that_run():
    equal(good("start", "web", "made"), "web\nmade\n")
    equal(good("start", "made"), "made\n")
    good("create", "--name=cat", IMAGE, "cat")
    equal(good("start", "-ai", "cat", input="text\n"), "text\n")
    equal(good("start", "-i", "cat", input="again\n"), "again\n")
    equal(good("start", "-l", "-a", input="latest\n"), "latest\n")
    refused("start", "-a", "web", "made", says="take one ID")
    refused("start", says="an argument is missing")
    result = dist("start", "nothing", "made")
    equal((result.status, result.out), (1, "made\n"))
    good("rm", "cat")


def test_all_are_the_callers_own():
    polkit_rule('polkit.addRule(function(action, subject) { if (subject.user == "alice") return "yes"; });')
    good("run", "-d", "--name=hers", IMAGE, user="alice")
    equal(good("pause", "--all"), "web\nmade\n")
    equal(states(), {"web": "paused", "made": "paused", "hers": "running"})
    equal(good("unpause", "-a"), "web\nmade\n")
    equal(good("kill", "-s", "WINCH", "web"), "web\n")
    good("pause", "-l")
    equal(states()["made"], "paused")
    good("unpause", "-a")
    equal(good("restart", "-a", "-t0"), "web\nmade\n")
    equal(good("stop", "-t0", "--all"), "web\nmade\n")
    equal(good("stop", "-a"), "")
    equal(states(), {"web": "stopped", "made": "stopped", "hers": "running"})
    equal(good("stop", "-t0", "-l", user="alice"), "hers\n")
    for verb in ("stop", "rm", "restart", "pause"):
        refused(verb, "-a", "web", says="exclude each other")
        refused(verb, says=f"{verb}: an argument is missing: ID…")
    equal(good("rm", "-a"), "web\nmade\n")
    equal(good("rm", "-fa", user="alice"), "hers\n")
    refused("rm", "-l", says="you have no container")
    polkit_rule("")


def begin(*words):
    return subprocess.Popen(["dist", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # pylint: disable=consider-using-with


def test_wait_takes_several_and_prints_their_statuses():
    good("run", "-d", "--name=seven", IMAGE, "sh", "-c", "exit 7")
    result = dist("wait", "seven")
    equal((result.out, result.status), ("7\n", 7))
    good("run", "-d", "--rm", "--name=first", IMAGE, "sh", "-c", "sleep 2; exit 3")
    good("run", "-d", "--rm", "--name=second", IMAGE, "sh", "-c", "sleep 1; exit 4")
    # The statuses are in the order of the arguments. Those of containers that are deleted meanwhile are known.
    equal(good("wait", "--interval=1s", "first", "second", "seven"), "3\n4\n7\n")
    result = dist("wait", "seven", "nothing", "seven")
    equal((result.out, result.status), ("7\n7\n", 125))
    contains(result.err, 'no container "nothing"')
    equal(good("wait", "--ignore", "nothing", "seven"), "-1\n7\n")
    equal(dist("wait", "--latest").out, "7\n")
    refused("wait", says="wait: an argument is missing: ID…", status=125)
    good("rm", "seven")


def test_wait_takes_conditions():
    check = ["--health-cmd=test -e /well", "--health-interval=0.2s", "--health-retries=1"]
    good("create", "--name=box", *check, IMAGE, "sleep", "1000")
    equal(good("wait", "--condition=created", "box"), "-1\n")
    for condition, *words in (("running", "start", "box"), ("paused", "pause", "box"), ("running", "unpause", "box"),
                              ("unhealthy", "ps"), ("healthy", "exec", "box", "touch", "/well"), ("stopped,removed", "kill", "-s", "KILL", "box")):
        waiting = begin("wait", f"--condition={condition}", "box")
        time.sleep(0.2)
        if condition == "running":
            equal(waiting.poll(), None)
        good(*words)
        equal(waiting.communicate(timeout=300), ("137\n" if "stopped" in condition else "-1\n", ""), condition)
        equal(waiting.returncode, 0)
    equal(good("wait", "--condition=exited", "box"), "137\n")
    # A service that is restarted is asked again.
    waiting, other = begin("wait", "--condition=removed", "box"), begin("wait", "--condition=running", "box")
    time.sleep(0.2)
    kill_service()
    good("rm", "box")
    equal(waiting.communicate(timeout=300), ("-1\n", ""))
    out, err = other.communicate(timeout=300)
    equal((out, other.returncode), ("", 125))
    assert "box" in err, err
    equal(good("wait", "--condition", "removing", "box"), "-1\n")
    equal(good("wait", "--condition=running", "--ignore", "box"), "-1\n")
    refused("wait", "--condition=running", "box", says='no container "box"', status=125)
    refused("wait", "--condition=stopping", "box", says='unknown condition "stopping"', status=125)
    refused("wait", "--condition=running", "--process=x", "box", says="exclude each other", status=125)


def test_events_are_filtered():
    since = json.loads(good("events", "--since=0", "--no-follow", "--json=short").splitlines()[-1])["sequence"]

    def seen(*words, of="kind"):
        return [json.loads(line)[of] for line in good("events", f"--since={since}", "--stream=false", "--json=short", *words).splitlines()]

    good("run", "-d", "--name=one", "-l", "a=b", "-v", "data:/data", IMAGE)
    good("create", "--name=two", "-l", "a=c", "--network=none", IMAGE)
    good("pause", "one")
    good("unpause", "one")
    equal(seen(), ["create", "start", "create", "pause", "resume"])
    # Values of one name are alternatives, and all names must match.
    for words, expected in ((["container=two"], ["create"]), (["event=create"], ["create", "create"]), (["event=pause", "event=unpause"], ["pause", "resume"]),
                            (["event=create", "container=one"], ["create"]), (["type=container", "label=a=c"], ["create"]),
                            (["label=a", "event=create"], ["create", "create"]), (["volume=data", "event=start"], ["start"]), (["volume=x"], []),
                            ([f"image={IMAGE}", "event=start"], ["start"]), (["image=alpine"], []), (["pod=x"], [])):
        equal(seen(*(word for value in words for word in ("-f", value))), expected, words)
    for words, says in ((["colour=x"], 'no filter "colour"'), (["event=x"], 'invalid value "event=x"'), (["event"], 'invalid value "event"'),
                        (["type=image"], "events are those of containers")):
        refused("events", *(word for value in words for word in ("--filter", value)), says=says)
    equal(good("events", f"--since={since}", "--no-follow", "-f", "container=two", "--format={{.Status}} {{.Name}} {{.Image}} {{.Type}}"),
          f"create two {IMAGE} container\n")
    refused("events", f"--since={since}", "--no-follow", "--format={{.Nothing}}", says="Nothing")
    good("rm", "-f", "one", "two")
    good("volume", "rm", "data")


def test_events_have_times():
    equal(good("events", "--since=1h", "--no-follow", "--until=59m"), "")
    equal(good("events", "--until=1h"), "")
    everything = good("events", "--since=0", "--no-follow")
    equal(good("events", "--since=24h", "--no-follow"), everything)
    equal(good("events", "--since=2020-01-01T00:00:00Z", "--stream=false"), everything)
    equal(good("events", "--since=@1577836800", "--no-follow"), everything)
    equal(good("events", "--since=2020-01-01", "--until=0s"), everything)
    equal(good("events", "--since=2099-01-01T00:00:00+02:00", "--no-follow"), "")
    # It follows until the time, and exits.
    for seconds in (5, 15, 60):
        name = f"late{seconds}"
        waiting = begin("events", f"--filter=container={name}", f"--until=@{int(time.time()) + seconds}")
        wait_until(lambda: polls(waiting.pid), "its first call")  # pylint: disable=cell-var-from-loop
        good("create", f"--name={name}", IMAGE)
        out, err = waiting.communicate(timeout=300)
        good("rm", name)
        # A busy machine may create it too late.
        if out:
            break
    equal((out.split()[2:], err, waiting.returncode), (["create", name], "", 0))
    refused("events", "--since=never", says='"never" is not a time')


def test_ps_takes_more_filters():
    good("pod", "create", "--network=front", "shop")
    good("run", "-d", "--name=inside", "--pod=shop", IMAGE)
    good("run", "-d", "--name=out", "--network=front", "-l", "a=b", "-p", "18080:80", "-p", "127.0.0.1:18090:90/udp", IMAGE)
    good("create", "--name=other", "--network=none", "-l", "a=c", "-l", "x", IMAGE)
    for filters, expected in ((["pod=shop"], ["inside"]), (["publish=18080"], ["out"]), (["publish=18090"], []), (["publish=18090/udp"], ["out"]),
                              (["publish=18000-18099/tcp"], ["out"]), (["publish=80"], []), (["expose=80"], ["out"]), (["publish=1", "publish=18080"], ["out"]),
                              (["label!=a"], ["inside"]), (["label!=a=b"], ["inside", "other"]), (["label!=a=b", "label!=x"], ["inside"]),
                              (["label=a", "label!=a=b"], ["other"]), (["until=1h"], []), (["until=0s"], ["inside", "out", "other"]),
                              (["until=2099-01-01", "since=inside"], ["out", "other"])):
        equal(good("ps", "-aq", *(word for value in filters for word in ("-f", value))).split(), expected, filters)
    refused("ps", "--filter=until=never", says='"never" is not a time')
    refused("ps", "--filter=until=1h", "--filter=until=2h", says="until is given twice")
    refused("ps", "--filter=label!", says="invalid value")
    good("rm", "-f", "out", "other")
    good("pod", "rm", "-f", "shop")


def test_stats_take_dockers_words():
    good("run", "-d", "--name=busy", "--network=none", "--memory=64m", IMAGE, "sh", "-c", "while :; do :; done")
    good("create", "--name=idle", "--network=none", IMAGE)
    words = ("Name", "ID", "Container", "PIDs", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO")
    line = good("stats", "--no-stream", "--no-trunc", "--format", "|".join(f"{{{{.{word}}}}}" for word in words), "busy")
    found = dict(zip(words, line.strip().split("|")))
    equal([found[word] for word in words[:3]], ["busy"] * 3)
    # The machine may count neither processor time nor memory and tasks.
    known = listing("stats", "busy")[0]
    if known["cpuUsec"] is None:
        equal(found["CPUPerc"], "--")
    else:
        assert 0 < float(found["CPUPerc"].removesuffix("%")) < 400, found
    equal(found["PIDs"], "--" if known["tasks"] is None else "1")
    if known["memory"] is None:
        equal((found["MemUsage"].split(" / ")[0], found["MemPerc"]), ("--", "--"))
    else:
        assert 0 < float(found["MemPerc"].removesuffix("%")) < 100, found
        contains(found["MemUsage"], " / 67.1")
    equal(len(found["NetIO"].split(" / ")), 2)
    # What the machine does not count is not 0.
    equal([part == "--" for part in found["BlockIO"].split(" / ")], [known[key] is None for key in ("read", "written")])
    cgroup = good("inspect", "--format={{.cgroup}}", "busy").strip()
    equal(known["read"] is not None, any(os.path.exists(f"/sys/fs/cgroup{name}") for name in (f"{cgroup}/io.stat", f"/unified{cgroup}/io.stat", f"/blkio{cgroup}")))
    # As in docker, json has these names, which other programs read.
    shown = json.loads(good("stats", "--no-stream", "--format={{json .}}", "busy"))
    equal({key: shown[key] for key in ("Name", "ID", "Container", "PIDs")}, {"Name": "busy", "ID": "busy", "Container": "busy", "PIDs": known["tasks"]})
    equal(set(words) - set(shown), set())
    equal(shown["BlockIO"], found["BlockIO"])
    # The same words are members of JSON.
    for shown in (known, *json.loads(good("stats", "--no-stream", "--format=json", "busy"))):
        equal((shown["container"], shown["pids"], shown["blockIO"]), ("busy", known["tasks"], found["BlockIO"]))
        assert re.fullmatch(r"--|[0-9.]+%", shown["cpuPerc"]) and (shown["cpuPerc"] == "--") == (known["cpuUsec"] is None), shown
    equal(good("stats", "--no-stream", "--format=id,blockio", "busy").split("\n")[0].split(), ["ID", "BLOCKIO"])
    assert "BLOCK" not in good("stats", "--no-stream", "busy")
    # Nothing is known of a container that does not run.
    equal(good("stats", "--all", "--no-stream", "--format={{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}").splitlines()[-1],
          "idle -- -- / -- -- -- / -- -- / -- --")
    row = [row for row in listing("stats", "--all") if row["id"] == "idle"][0]
    equal(row, {"id": "idle", "cpuUsec": None, "memory": None, "tasks": None, "read": None, "written": None, "received": None, "sent": None,
                "container": "idle", "cpuPerc": "--", "memUsage": "-- / --", "memPerc": "--", "netIO": "-- / --", "blockIO": "-- / --", "pids": None})
    contains(good("stats", "--no-stream", "--format", "table {{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}", "busy"), "MEM USAGE / LIMIT")
    refused("stats", "--no-stream", "idle", says="not running")
    refused("stats", "--no-stream", "--format={{.Nothing}}", "busy", says="Nothing")
    good("rm", "-f", "busy", "idle")


def test_objects_take_podmans_options():
    equal(good("volume", "create", "-d", "local", "mine"), "mine\n")
    equal(good("volume", "create", "--ignore", "mine"), "mine\n")
    equal(good("network", "create", "--driver=bridge", "back"), "back\n")
    equal(good("network", "create", "--ignore", "back"), "back\n")
    for words, says in ((("volume", "create", "-d", "nfs", "x"), "--driver=nfs is not supported: volumes are directories of the service"),
                        (("network", "create", "-d", "macvlan", "x"), "--driver=macvlan is not supported: each network is a bridge"),
                        (("network", "create", "--ip-range=10.9.0.0/25", "x"), "--ip-range is not supported: addresses are assigned from")):
        refused(*words, says=says)
    good("pod", "create", "pod")
    good("create", "--name=old", IMAGE)
    for kind, name in (("volume", "mine"), ("network", "back"), ("pod", "pod"), ("container", "old")):
        equal(good(kind, "rm", "-f", name, "nothing"), f"{name}\n")
        refused(kind, "rm", name, says=f'there is no {kind} "{name}"')
    for words in (("--format=oci-archive",), ("--format", "docker-archive"), ("-m",)):
        good("save", *words, "-o", "/tmp/scripts.tar", IMAGE)
        equal(good("load", "-i", "/tmp/scripts.tar"), f"{IMAGE}\n")
    good("save", "--format=oci-dir", "-o", "/tmp/scripts-layout", IMAGE)
    equal(good("load", "-i", "/tmp/scripts-layout"), f"{IMAGE}\n")
    refused("save", "--format=oci-dir", IMAGE, says="--format=oci-dir needs --output")
    refused("save", "--format=docker-dir", "-o", "/tmp/x", IMAGE, says="use oci-archive, docker-archive, oci-dir")
    refused("save", "--compress", IMAGE, says="--compress is not supported: layers keep their own compression")
    for words in (("push", "--format=oci"), ("push", "--compression-format=zstd"), ("pull", "--policy=always"), ("pull", "-a")):
        refused(*words, IMAGE, says=" is not supported: ")
    good("push", "--digestfile=/tmp/scripts-digest", IMAGE, f"{HOST}/scripts/copy:x")
    with open("/tmp/scripts-digest", encoding="ascii") as file:
        equal(file.read() + "\n", good("inspect", "-f", "{{.Digest}}", IMAGE))


def test_export_and_commit_say_what_differs():
    good("create", "--name=exported", IMAGE)
    for words in (("export", "exported"), ("container", "export", "exported"), ("save", "-o", "/tmp/scripts.tar", "exported")):
        refused(*words, says='"exported" is not an image; "dist cp exported:/ -" writes a container\'s files')
    equal(run("sh", "-c", "dist cp exported:/ - | tar -t | grep -c bin/busybox").out, "1\n")
    refused("export", "nothing", says='there is no image "docker.io/library/nothing:latest" here')
    good("commit", "-a", "Somebody", "-m", "a comment", "exported", "committed:1")
    contains(good("inspect", "committed:1"), "Somebody")
    refused("commit", "-c", "CMD=/bin/sh", "exported", "committed:2", says="--change is not supported: a configuration comes from the image")
    good("rmi", "committed:1")
    good("prune")
    good("rm", "exported")


def test_ports_and_logs_as_in_docker():
    good("run", "-d", "--name=ports", "--network=front", "-p", "127.0.0.1:18081:80", "-p", "18082:81/udp", IMAGE,
         "sh", "-c", "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $n; done; sleep 1000")
    equal(good("port", "ports", "80"), "127.0.0.1:18081\n")
    equal(good("port", "ports", "80/tcp"), "127.0.0.1:18081\n")
    equal(good("port", "ports", "81/udp"), "0.0.0.0:18082\n")
    refused("port", "ports", "81", says='container "ports" does not publish the port 81/tcp')
    wait_until(lambda: "line 12" in good("logs", "-l"), "its output")
    for words in (("--tail=all", "ports"), ("--tail", "-1", "ports"), ("-l",)):
        equal(good("logs", *words).count("line"), 12, words)
    equal(good("logs", "--tail=2", "-l"), "line 11\nline 12\n")
    refused("logs", "--tail=none", "ports", says='--tail takes a number, not "none"')
    refused("logs", says="logs: an argument is missing: ID…")
    followed = run("timeout", "-s", "INT", "5", "dist", "logs", "-f", "--tail=all", "ports").out
    equal(followed.count("line"), 12)
    good("rm", "-f", "ports")


def test_prune_takes_filters():
    for name, *labels in (("plain",), ("marked", "--label=a=b"), ("other", "--label=a=c")):
        for words in (("create", f"--name={name}"), ("volume", "create"), ("network", "create")):
            good(*words, "--label=t", *labels, IMAGE if words[0] == "create" else name)
    for kind in ("container", "volume", "network"):
        words = (kind, "prune", "-f")
        equal(good(*words, "--filter=label=none"), "")
        equal(good(*words, "--filter=until=1h"), "")
        equal(good(*words, "--filter", "label=a=b"), "marked\n")
        equal(good(*words, "--filter=label=t", "--filter=label!=a", "--filter=until=0s"), "plain\n")
        equal(good(*words, "--filter=label=t", "--filter=label!=a=b"), "other\n")
        for text, says in (("bogus=1", 'no filter "bogus"'), ("until=never", '"never" is not a time')):
            refused(*words, f"--filter={text}", says=says)
    good("create", "--name=kept", "--label=x", IMAGE)
    good("tag", IMAGE, "old:1", "old:2")
    equal(good("image", "prune", "-af", "--filter=until=1h"), "")
    for text in ("label=kind=box", "label!=kind"):
        refused("image", "prune", "-af", f"--filter={text}", says="--filter is not supported for labels of images")
    for words in (("image", "prune", "-f"), ("system", "prune", "-f"), ("prune", "-f", "contents")):
        refused(*words, "--filter=until=1h", says="--filter is not supported for contents without a name")
    equal(good("ps", "-aq"), "kept\n")
    equal(good("system", "prune", "-af", "--filter=until=1h"), "")
    equal(good("image", "prune", "-af", "--filter=until=0s").split(), ["docker.io/library/old:1", "docker.io/library/old:2"])
    good("rm", "kept")


def test_tag_takes_several_names():
    good("tag", IMAGE, "one:1", "two")
    equal(sorted(good("images", "-q").split())[1:], ["docker.io/library/one:1", "docker.io/library/two:latest"])
    refused("tag", IMAGE, "three", "bad name", says='invalid image name "bad name"')
    refused("tag", "--move", "one:1", "three", "four", says="too many arguments")
    good("rmi", "one:1", "two")
    refused("tag", "three", "four", "five", says="docker.io/library/three:latest")


def test_templates_take_dockers_words_for_versions_and_drivers():
    version = good("version", "--format={{.client}}")
    equal(good("version", "--format={{.Client.Version}}"), version)
    equal(good("version", "-f", "{{.Server.Version}} {{.service}}"), f"{version.strip()} {version}")
    refused("version", "--format={{.Server.Nothing}}", says="unknown field")
    system = os.uname()
    equal(good("version", "-f", "{{.Client.Os}} {{.Server.KernelVersion}}"), f"linux {system.release}\n")
    equal(good("info", "-f", "{{.Host.OS}} {{.Host.Kernel}} {{.Host.Hostname}}"), f"linux {system.release} {system.nodename}\n")
    equal(good("info", "-f", "{{.OSType}} {{.Architecture}} {{.NCPU}} {{.DockerRootDir}} {{.ServerVersion}} {{.Swarm.LocalNodeState}}"),
          f"linux {system.machine} {os.cpu_count()} {STATE} {version.strip()} inactive\n")
    equal(good("info", "-f", "{{.Store.ContainerStore.Number}}"), good("info", "-f", "{{.Containers}}"))
    contains(good("info", "-f", "{{.name}}={{.value}}"), f"StatePath={STATE}\n")
    refused("info", "-f", "{{.Host.Nothing}}", says="unknown field")
    # Facts of this machine are not those of another one, on which the service may be.
    refused("-M", ".host", "info", "-f", "{{.KernelVersion}}", says="unknown field")
    good("volume", "create", "--label=a=b", "named")
    equal(good("volume", "inspect", "-f", "{{.Driver}} {{.Scope}} {{.Options}} {{json .Labels}}", "named"), 'local local map[] {"a":"b"}\n')
    equal(good("volume", "ls", "--filter=name=named", "--format={{.Driver}} {{.Name}}"), "local named\n")
    good("volume", "rm", "named")
    equal(good("network", "inspect", "-f", "{{.Name}} {{.Driver}} {{.Internal}}", "front"), "front bridge false\n")
    equal(good("network", "ls", "--filter=name=front", "--format={{.Name}} {{.Driver}}"), "front bridge\n")


def test_prune_all_deletes_images_without_containers():
    good("tag", IMAGE, "unused")
    good("create", "--name=user", IMAGE)
    refused("image", "prune", "-a", says="use --force")
    refused("prune", "-an", says="--dry-run is not supported with --all")
    equal(good("image", "prune", "-af"), "docker.io/library/unused:latest\n")
    equal(good("images", "-q"), f"{IMAGE}\n")
    equal(good("volume", "ls", "-q"), "kept\n")
    removed = good("system", "prune", "-af", "--volumes").split()
    equal(removed[:3], ["user", "kept", IMAGE])
    equal((good("images", "-q"), good("volume", "ls", "-q"), blobs()), ("", "", set()))


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
