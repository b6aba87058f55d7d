# SPDX-License-Identifier: LGPL-2.1-or-later
# The examples in docs/examples/ work as described: each application pulls an image with progress, runs a container,
# follows it, reads its output and removes it, using only the published interfaces.

import os
import re
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/examples/base:x"
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "examples")
COMMAND = ("sh", "-c", "echo first; echo second; exit 7")


def test_setup():
    layer = oci.Layer().add("large", os.urandom(3000000))
    oci.push(oci.Image([oci.busybox_layer(), layer], {"Env": ["PATH=/bin"]}), IMAGE)


def check(*program):
    """Runs an example, and checks the output of each step and that no container is left."""
    result = run(*program, IMAGE, *COMMAND, env={"G_MESSAGES_DEBUG": ""})
    equal(result.status, 7, result)
    lines = result.out.splitlines()
    assert re.match(r"done: (\d+) of \1 bytes$", [line for line in lines if " bytes" in line][-1]), lines
    equal([line for line in lines if line.startswith("log: ")], ["log: first", "log: second"])
    assert any(re.match(r"process: \d+$", line) for line in lines), lines
    equal(lines[-1], "exit status: 7")
    equal(listing("ps", "-a"), [])
    # If the image cannot be pulled, the program shows the service's message.
    result = run(*program, f"{HOST}/examples/none:x", "true")
    equal(result.status, 1, result)
    contains(result.err, "examples/none")
    good("rmi", IMAGE)


def test_gdbus_from_python():
    check("/usr/bin/python3", f"{EXAMPLES}/gdbus.py")


def test_dasbus():
    check("/usr/bin/python3", f"{EXAMPLES}/dasbus_app.py")


def test_gjs():
    check("gjs", f"{EXAMPLES}/app.js")


def test_c_from_the_published_xml():
    """The C example builds with the commands at the top of its file, and works."""
    with open(f"{EXAMPLES}/app.c", encoding="utf-8") as file:
        build = re.search(r"( \*     dir=.*? -o app\n)", file.read(), re.DOTALL).group(1).replace(" *     ", "")
    os.makedirs("/tmp/example", exist_ok=True)
    result = run("sh", "-ec", f"cp {EXAMPLES}/app.c /tmp/example; cd /tmp/example; {build}")
    equal(result.status, 0, result)
    check("/tmp/example/app")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
