# SPDX-License-Identifier: LGPL-2.1-or-later
# "dist build": buildah builds from images of the service's store, and the result is imported.
# machine: package buildah

import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BASE = f"{HOST}/build/base:x"
OTHER = f"{HOST}/build/other:x"
BUILT = f"{HOST}/build/built:x"
WORK = "/var/tmp/build"
BUILDAH = os.environ["BERTH_BUILD"] + "/packages/buildah/usr/bin/buildah"
# In a test machine, buildah can neither create further namespaces nor use overlayfs.
ENVIRONMENT = {"BUILDAH_ISOLATION": "chroot"}
STORAGE = """[storage]
driver = "vfs"
graphroot = "/var/tmp/build-storage"
runroot = "/run/build-storage"
"""


def write(name, text):
    with open(f"{WORK}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


def build(*words, **more):
    return dist("build", *words, WORK, env={**ENVIRONMENT, **more}, timeout=300)


def built(*words):
    result = build(*words)
    equal(result.status, 0, result)
    return result


def test_setup():
    for name, text in ((BASE, b"base\n"), (OTHER, b"other\n")):
        layer = oci.Layer().directory("./").add("which", text, mode=0o644)
        image = oci.Image([oci.busybox_layer(), layer], {"Cmd": ["cat", "/which"], "Env": ["PATH=/bin"]})
        # buildah counts layers by their history entries.
        image.config["history"] = [{"created_by": "a test"}] * 2
        oci.push(image, name)
    os.makedirs(WORK)
    os.makedirs("/etc/containers", exist_ok=True)
    for name, text in (("policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}'), ("storage.conf", STORAGE)):
        with open(f"/etc/containers/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    result = build("-t", BUILT)
    equal(result.status, 1)
    contains(result.err, "no Containerfile and no Dockerfile")
    write("Containerfile", f"FROM {BASE}\n")
    result = build("-t", BUILT)
    equal((result.status, result.err), (1, 'dist: buildah is not installed; it is in the package "buildah"\n'))
    os.symlink(BUILDAH, "/usr/local/bin/buildah")
    contains(build().err, "build needs --tag")


def test_the_base_of_a_build_is_pulled():
    write("file", "copied\n")
    write("Containerfile", f"""# a comment
ARG NAME={BASE.rsplit(":", 1)[0]}
from $NAME:${{TAG:-x}} AS first
ARG WORD=none
RUN echo $WORD >/word && \\
    cat /which >>/word
FROM first
COPY file /copied
COPY --from={OTHER} /which /other
LABEL a=b
CMD ["cat", "/word", "/copied", "/other"]
""")
    result = built("-t", BUILT, "-t", f"{HOST}/build/second:x", "--build-arg=WORD=given")
    equal(result.out.split(), [BUILT, f"{HOST}/build/second:x"])
    contains(result.err, "STEP ")
    equal(sorted(good("images", "-q", f"{HOST}/build/*").split()), sorted([BASE, OTHER, BUILT, f"{HOST}/build/second:x"]))
    equal(good("run", "--rm", BUILT), "given\nbase\ncopied\nother\n")
    equal(good("run", "--rm", f"{HOST}/build/second:x"), "given\nbase\ncopied\nother\n")
    equal([name for name in os.listdir("/var/tmp") if name.startswith("dist-build")], [])


def test_build_steps_are_cached_unless_no_cache_is_set():
    contains(built("-t", BUILT, "--build-arg=WORD=given").err, "Using cache")
    assert "Using cache" not in built("-t", BUILT, "--no-cache", "--build-arg=WORD=given").err


def test_stages_secrets_and_files():
    write("secret", "hidden")
    write("other.file", f"FROM {BASE} AS one\nRUN --mount=type=secret,id=key cat /run/secrets/key >/seen\nFROM {BASE} AS two\nRUN false\n")
    built("-t", BUILT, "-f", f"{WORK}/other.file", "--target=one", f"--secret=id=key,src={WORK}/secret")
    equal(good("run", "--rm", BUILT, "cat", "/seen"), "hidden")
    result = build("-t", BUILT, "-f", f"{WORK}/other.file")
    equal(result.status, 1)
    contains(result.err, "dist: buildah build failed")
    equal([name for name in os.listdir("/var/tmp") if name.startswith("dist-build")], [])


def test_names_in_a_build_are_those_of_the_store():
    write("Containerfile", f"FROM {BASE}\n")
    good("tag", OTHER, BASE)
    built("-t", BUILT)
    equal(good("run", "--rm", BUILT), "other\n")
    built("-t", BUILT, "--pull")
    equal(good("run", "--rm", BUILT), "base\n")
    write("Containerfile", f"FROM {HOST}/build/nothing:x\n")
    result = build("-t", BUILT)
    equal(result.status, 1)
    contains(result.err, "404")


def test_a_build_unit_makes_the_image_of_a_container_unit():
    units = "/etc/berth/units"
    os.makedirs(f"{units}/box")
    for name, text in (("box/Containerfile", f"FROM {BASE} AS first\nARG WORD\nRUN echo $WORD >/which\nFROM {BASE}\n"),
                       ("box.build", "[Build]\nImageTag=localhost/unit:x\nSetWorkingDirectory=./box\nTarget=first\nBuildArg=WORD=built\n"
                                     "[Service]\nEnvironment=BUILDAH_ISOLATION=chroot\n"),
                       ("box.container", "[Container]\nImage=box.build\nPull=never\n[Service]\nType=oneshot\n")):
        with open(f"{units}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    equal(run("systemctl", "daemon-reload").status, 0)
    result = run("systemctl", "start", "box")
    def journal():
        return run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "box", "-u", "box-build").out
    equal(result.status, 0, journal())
    wait_until(lambda: "\nbuilt\n" in journal(), "its output")
    equal(run("systemctl", "show", "-P", "ActiveState", "box-build").out, "active\n")
    # Options of buildah are passed on to it.
    for name, text in (("box/Containerfile", f"FROM {BASE}\nCOPY . /copied\nRUN echo $GIVEN $(ls /copied) $(ls /of-the-host) >/which\n"),
                       ("box/list", "left-out\nlist\n"), ("box/left-out", ""), ("share/of-the-host", ""),
                       ("more.build", "[Build]\nImageTag=localhost/more:x\nSetWorkingDirectory=./box\nEnvironment=GIVEN=variable\nIgnoreFile=list\n"
                                      "Volume=./share:/of-the-host:ro\nAnnotation=a=b\nDNS=1.1.1.1\nDNSSearch=example.com\nNetwork=host\n"
                                      "ForceRM=yes\nTLSVerify=no\nRetry=1\nRetryDelay=1s\n[Service]\nEnvironment=BUILDAH_ISOLATION=chroot\n")):
        os.makedirs(os.path.dirname(f"{units}/{name}"), exist_ok=True)
        with open(f"{units}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    equal(run("systemctl", "daemon-reload").status, 0)
    result = run("systemctl", "start", "more-build")
    equal(result.status, 0, run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "more-build").out)
    equal(good("run", "--rm", "localhost/more:x"), "variable Containerfile of-the-host\n")
    # A failed build starts nothing.
    with open(f"{units}/box/Containerfile", "a", encoding="utf-8") as file:
        file.write("RUN false\n")
    with open(f"{units}/box.build", "w", encoding="utf-8") as file:
        file.write("[Build]\nImageTag=localhost/unit:x\nSetWorkingDirectory=./box\n[Service]\nEnvironment=BUILDAH_ISOLATION=chroot\n")
    equal(run("systemctl", "daemon-reload").status, 0)
    equal(run("systemctl", "stop", "box-build").status, 0)
    contains(run("systemctl", "start", "box").err, "dependency")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
