# SPDX-License-Identifier: LGPL-2.1-or-later
# After a power failure, the database and the files may be of different ages, and a full disk may end a change in the
# middle. Whatever is left can be used or removed, and nobody gets the files of another object.

import contextlib
import os
import shutil
import sys
import tempfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/lost/box:x"
BASE = f"{HOST}/lost/base:x"


def test_setup():
    layer = oci.busybox_layer()
    oci.push(oci.Image([layer], {"Cmd": ["true"], "Env": ["PATH=/bin"]}), BASE)
    oci.push(oci.Image([layer, oci.Layer().add("top", b"top")], {"Cmd": ["true"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", BASE)
    good("pull", IMAGE)


@contextlib.contextmanager
def older_database():
    """At the end of the with statement, the database is what it was at its beginning, as if a power failure had lost
    the transactions in between, but not the changes of the file system."""
    run("systemctl", "stop", "berthd")
    with tempfile.TemporaryDirectory() as directory:
        for name in ("berth.db", "berth.db-wal"):
            shutil.copy2(f"{STATE}/{name}", directory)
        yield
        run("systemctl", "stop", "berthd")
        for name in ("berth.db", "berth.db-wal"):
            shutil.copy2(f"{directory}/{name}", f"{STATE}/{name}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{STATE}/berth.db-shm")


def test_objects_whose_removal_was_lost_can_be_used_or_removed():
    wait_until(lambda: database_query("SELECT count(*) FROM snapshots WHERE boot IS NOT NULL") == "0", "the sync of the snapshots")
    good("create", "--id=victim", IMAGE, "true")
    good("volume", "create", "goods")
    with open(f"{STATE}/volumes/goods/file", "w", encoding="ascii"):
        pass
    with older_database():
        good("rm", "victim")
        good("rmi", IMAGE)
        good("volume", "rm", "goods")
        good("prune", "--force")
    equal([row["id"] for row in listing("ps", "-a")], ["victim"])
    result = dist("start", "victim")
    equal(result.status, 1, result)
    contains(result.err, "victim")
    good("rm", "victim")
    good("pull", IMAGE)
    equal(good("run", "--rm", "-v", "goods:/goods", IMAGE, "sh", "-c", "cat /top; ls /goods"), "top")
    good("volume", "rm", "goods")


def test_a_container_whose_configuration_was_lost_can_be_removed():
    good("create", "--id=empty", BASE, "true")
    good("create", "--id=none", BASE, "true")
    run("systemctl", "stop", "berthd")
    os.truncate(f"{STATE}/containers/empty/config.json", 0)
    os.unlink(f"{STATE}/containers/none/config.json")
    for name in ("empty", "none"):
        equal(dist("start", name).status, 1)
        good("rm", name)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
