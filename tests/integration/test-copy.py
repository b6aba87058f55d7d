# SPDX-License-Identifier: LGPL-2.1-or-later
# Files are copied out of and into running and stopped containers, as tar streams that only a sandboxed worker reads.

import concurrent.futures
import fcntl
import gzip
import hashlib
import io
import os
import pwd
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/copy/base:x"
WORK = "/var/tmp/copy"
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID and SETFCAP; DAC_READ_SEARCH.
COPIES_IN, COPIES_OUT = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 31, 1 << 2


def test_setup():
    layer = oci.busybox_layer()
    layer.directory("dir").directory("dir/sub").add("dir/file", b"content\n", mode=0o640, uid=7, gid=8).symlink("dir/link", "file")
    layer.hard_link("dir/hard", "dir/file").add("dir/sub/deep", b"deep\n").symlink("out", "/../../../etc")
    oci.push(oci.Image([layer], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", IMAGE)
    good("run", "-d", "--id=runs", IMAGE)
    good("create", "--id=idle", IMAGE)
    os.makedirs(WORK)


def tar_of(name, path):
    completed = subprocess.run(["dist", "cp", f"{name}:{path}", "-"], capture_output=True, check=True, timeout=300)
    return tarfile.open(fileobj=io.BytesIO(completed.stdout))


def test_copies_out_of_running_and_stopped_containers():
    for name in ("runs", "idle"):
        good("cp", f"{name}:/dir", f"{WORK}/{name}")
        equal(sorted(os.listdir(f"{WORK}/{name}")), ["file", "hard", "link", "sub"])
        equal(open(f"{WORK}/{name}/sub/deep", encoding="utf-8").read(), "deep\n")
        equal(os.readlink(f"{WORK}/{name}/link"), "file")
        equal(os.stat(f"{WORK}/{name}/file").st_mode & 0o777, 0o640)
        equal(os.stat(f"{WORK}/{name}/file").st_ino, os.stat(f"{WORK}/{name}/hard").st_ino)
        good("cp", f"{name}:/dir/file", f"{WORK}/{name}-file")
        equal(open(f"{WORK}/{name}-file", encoding="utf-8").read(), "content\n")
        good("cp", f"{name}:/dir/file", WORK)
        assert os.path.exists(f"{WORK}/file")


def test_the_ids_are_those_of_the_container():
    for name in ("runs", "idle"):
        members = {member.name: member for member in tar_of(name, "/dir")}
        equal((members["dir/file"].uid, members["dir/file"].gid), (7, 8))
        assert members["dir/hard"].islnk() or members["dir/file"].islnk()


def test_copies_into_running_and_stopped_containers():
    os.makedirs(f"{WORK}/in/below")
    with open(f"{WORK}/in/below/file", "w", encoding="utf-8") as file:
        file.write("mine\n")
    os.chown(f"{WORK}/in/below/file", 1234, 1234)
    for name in ("runs", "idle"):
        good("cp", f"{WORK}/in", f"{name}:/tmp")
        good("cp", f"{WORK}/in/below/file", f"{name}:/tmp/renamed")
        good("cp", "-a", f"{WORK}/in/below/file", f"{name}:/tmp/owned")
    good("start", "idle")
    for name in ("runs", "idle"):
        out = good("exec", name, "sh", "-c", "cat /tmp/in/below/file /tmp/renamed; stat -c %u /tmp/renamed /tmp/owned")
        equal(out.split(), ["mine", "mine", "0", "1234"])
    good("kill", "-s", "KILL", "idle")
    dist("wait", "idle")


def test_a_stream_from_standard_input():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("streamed")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"bytes"))
    subprocess.run(["dist", "cp", "-", "runs:/tmp"], input=buffer.getvalue(), check=True, timeout=300)
    equal(good("exec", "runs", "cat", "/tmp/streamed"), "bytes")


def copied_in(data, place="runs:/tmp"):
    """Passes data to dist cp in pieces, as from a pipe; returns its status and error."""
    with subprocess.Popen(["dist", "cp", "-", place], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as copying:
        try:
            for piece in (data[:1], data[1:5], data[5:]):
                copying.stdin.write(piece)
                copying.stdin.flush()
        except BrokenPipeError:
            pass
        _, err = copying.communicate(timeout=300)
    return copying.returncode, err.decode()


def test_a_stream_may_be_compressed():
    """As with docker and podman."""
    content = random.Random(3).randbytes(300000)
    for mode in ("gz", "bz2", "xz", "zst"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:" if mode == "zst" else f"w:{mode}") as tar:
            member = tarfile.TarInfo(f"compressed-{mode}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        data = buffer.getvalue()
        if mode == "zst":
            data = subprocess.run(["zstd", "-c"], input=data, check=True, capture_output=True).stdout
        equal(copied_in(data), (0, ""), mode)
        equal(good("exec", "runs", "sha256sum", f"/tmp/compressed-{mode}").split()[0], hashlib.sha256(content).hexdigest())
        status, err = copied_in(data[:len(data) // 2])
        equal(status, 1)
        assert "archive" in err, err
        broken = bytearray(data)
        broken[1000:2000] = bytes(1000)
        equal(copied_in(bytes(broken))[0], 1)
    # A name that looks like compressed data.
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("BZh-report"))
    equal(copied_in(buffer.getvalue()), (0, ""))
    good("exec", "runs", "test", "-f", "/tmp/BZh-report")
    status, err = copied_in(gzip.compress(b"not a tar" * 1000))
    equal(status, 1)
    contains(err, "not a valid tar archive")


def test_absolute_names_are_below_the_destination():
    """As GNU tar extracts them, hard links, too."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        root = tarfile.TarInfo("/")
        root.type, root.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(root)
        tar.addfile(tarfile.TarInfo("//etc/rooted"))
        hard = tarfile.TarInfo("/linked")
        hard.type, hard.linkname = tarfile.LNKTYPE, "/etc/rooted"
        tar.addfile(hard)
    equal(copied_in(buffer.getvalue()), (0, ""))
    equal(good("exec", "runs", "stat", "-c", "%h", "/tmp/etc/rooted", "/tmp/linked"), "2\n2\n")
    equal(dist("exec", "runs", "test", "-e", "/etc/rooted").status, 1)
    equal(good("exec", "runs", "stat", "-c", "%a", "/tmp"), "1777\n")


def test_names_times_and_acls_are_exact_both_ways():
    names = ["nfc-caf\u00e9", "nfd-cafe\u0301", b"odd-\xe9\xff".decode("utf-8", "surrogateescape")]
    acl = "user::rw-,group::r--,other::r--,user:7:rwx,mask::rwx"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for number, name in enumerate(names):
            member = tarfile.TarInfo(f"exact/{name}")
            member.mtime, member.pax_headers = -1.5 - number, {"SCHILY.acl.access": acl, "SCHILY.xattr.user.k": "v"}
            tar.addfile(member)
            link = tarfile.TarInfo(f"exact/link-{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"to/{name}"
            tar.addfile(link)
            hard = tarfile.TarInfo(f"exact/hard-{name}")
            hard.type, hard.linkname = tarfile.LNKTYPE, f"exact/{name}"
            tar.addfile(hard)
    for container in ("runs", "idle"):
        subprocess.run(["dist", "cp", "-", f"{container}:/tmp"], input=buffer.getvalue(), check=True, timeout=300)
        members = {member.name: member for member in tar_of(container, "/tmp/exact")}
        equal(len(members), 1 + 3 * len(names))
        for number, name in enumerate(names):
            pair = [members[f"exact/{name}"], members[f"exact/hard-{name}"]]
            file, hard = pair if pair[1].islnk() else reversed(pair)
            equal((file.mtime, hard.linkname, members[f"exact/link-{name}"].linkname), (-1.5 - number, file.name, f"to/{name}"))
            equal((file.pax_headers["SCHILY.xattr.user.k"], file.pax_headers["SCHILY.acl.access"]), ("v", acl))


def test_links_and_names_do_not_lead_out():
    before = sorted(os.listdir("/etc"))
    for name in ("runs", "idle"):
        dist("cp", f"{WORK}/file", f"{name}:/out/planted")
        contents = dist("cp", f"{name}:/out/shadow", f"{WORK}/shadow")
        assert contents.status != 0, contents
    equal(sorted(os.listdir("/etc")), before)
    for member_name, kind in (("../../planted", None), ("/planted", None), ("link/planted", "/")):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            if kind:
                link = tarfile.TarInfo("link")
                link.type, link.linkname = tarfile.SYMTYPE, "../../../../" + WORK
                tar.addfile(link)
            member = tarfile.TarInfo(member_name)
            tar.addfile(member, io.BytesIO(b""))
        subprocess.run(["dist", "cp", "-", "runs:/tmp"], input=buffer.getvalue(), check=False, timeout=300, capture_output=True)
        assert not os.path.exists("/planted") and not os.path.exists(f"{WORK}/planted")


def copiers():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if status["Name"] == "berth-copy" and status.get("Seccomp") == "2":
            found.append((pid, status))
    return found


def in_its_sandbox(*arguments, **streams):
    """Starts a copy and waits until its worker is in the sandbox; returns dist's process, the worker's PID and its
    status."""
    copying = subprocess.Popen(["dist", "cp", *arguments], **streams)
    wait_until(copiers, f"berth-copy in its sandbox for {arguments}")
    (pid, status), = copiers()
    return copying, pid, status


def test_copy_worker_is_sandboxed():
    good("create", "--id=idle-of-host", "--userns=host", IMAGE)
    good("run", "-d", "--id=runs-of-host", "--userns=host", IMAGE)
    for name in ("runs", "idle", "runs-of-host", "idle-of-host"):
        for arguments, capabilities in ((("-", f"{name}:/tmp"), COPIES_IN), ((f"{name}:/bin", "-"), COPIES_OUT)):
            read, write = os.pipe()
            streams = {"stdin": read} if capabilities == COPIES_IN else {"stdout": write}
            copying, pid, status = in_its_sandbox(*arguments, **streams)
            equal((status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapPrm"], 16), int(status["CapBnd"], 16)),
                  ("1", capabilities, capabilities, capabilities), f"{arguments}")
            for kind in ("user", "mnt", "net", "ipc", "uts"):
                assert os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/1/ns/{kind}"), f"{arguments}: {kind}"
            mapped = open(f"/proc/{pid}/uid_map", encoding="utf-8").read().split()
            equal(mapped[1] == "0", name.endswith("-of-host"), f"{arguments}: {mapped}")
            assert not os.path.exists(f"/proc/{pid}/root/etc/shadow"), arguments
            files = open_files(pid)
            assert not [file for file in files if file.startswith(STATE) and not file.endswith("/lock")], files
            if name.startswith("idle"):
                for line in open(f"/proc/{pid}/mounts", encoding="utf-8").read().splitlines():
                    assert "nosuid,nodev,noexec" in line, line
            os.close(write)
            os.close(read)
            copying.wait(60)
            wait_until(lambda: not copiers(), "the copy ends")
    good("rm", "-f", "runs-of-host", "idle-of-host")


def test_copy_worker_cannot_hide_what_the_service_logs():
    """The standard error of berth-copy is a pipe: whatever a worker that was taken over writes is one entry."""
    read, write = os.pipe()
    after = journal_cursor()
    copying, pid, _ = in_its_sandbox("-", "idle:/tmp", stdin=read)
    with open(f"/proc/{pid}/fd/2", "w", encoding="ascii") as file:
        file.write("<0>hiding\n" * 1000)
    os.close(write)
    os.close(read)
    copying.wait(60)
    wait_until(lambda: any("hiding" in str(entry["MESSAGE"]) for entry in journal_entries(after, "berthd")), "the entry")
    found = [entry for entry in journal_entries(after, "berthd") if "hiding" in str(entry["MESSAGE"])]
    equal([(entry["PRIORITY"], entry.get("BERTH_CONTAINER")) for entry in found], [("4", "idle")])


def test_devices_are_not_copied_into_a_container():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind in (("before", tarfile.REGTYPE), ("pipe", tarfile.FIFOTYPE), ("disk", tarfile.BLKTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.devmajor, member.devminor = kind, 254, 0
            tar.addfile(member)
    for name in ("runs", "idle"):
        result = subprocess.run(["dist", "cp", "-", f"{name}:/tmp"], input=buffer.getvalue(), check=False, timeout=300, capture_output=True)
        equal(result.returncode, 1)
        contains(result.stderr.decode(), "disk is a device")
        kinds = {member.name: member.type for member in tar_of(name, "/tmp").getmembers()}
        assert "tmp/disk" not in kinds and kinds["tmp/pipe"] == tarfile.FIFOTYPE, kinds


def test_names_that_are_not_ascii():
    os.makedirs(f"{WORK}/größe", exist_ok=True)
    with open(f"{WORK}/größe/日本", "w", encoding="utf-8") as file:
        file.write("x")
    for name in ("runs", "idle"):
        good("cp", f"{WORK}/größe", f"{name}:/tmp")
        assert "größe/日本" in tar_of(name, "/tmp/größe").getnames(), name


def test_a_path_of_the_container_leads_nowhere_else():
    for name in ("runs", "idle"):
        for path in ("/proc/1/root/etc/hostname", "/proc/self/root/etc/hostname", "/out/shadow", "/dir/../../../../etc/shadow"):
            result = dist("cp", f"{name}:{path}", f"{WORK}/nothing")
            assert result.status != 0, f"{name}:{path}: {result}"
        # A path with ".." that stays within the root is copied.
        good("cp", f"{name}:/dir/sub/../sub/", f"{WORK}/below-{name}")


SWAP = """
import ctypes, os, sys
libc, directory = ctypes.CDLL(None), os.open(sys.argv[1], os.O_RDONLY)
pairs = [(b"file%d" % n, b"pipe%d" % n) for n in range(100)]
while True:
    for file, pipe in pairs:
        libc.renameat2(directory, file, directory, pipe, 2)    # RENAME_EXCHANGE
"""


def test_file_swapped_during_a_copy_does_not_block_it():
    """A copy ends even if files and FIFOs without writers are exchanged continuously while it runs."""
    good("run", "-d", "--id=swaps", IMAGE, "sh", "-c", "mkdir /swap; cd /swap; for i in $(seq 0 99); do echo data >file$i; mkfifo pipe$i; done; "
         "echo steady >steady; exec sleep 1000")
    wait_until(lambda: dist("exec", "swaps", "test", "-e", "/swap/steady").status == 0, "what is swapped")
    pid = next(row["pid"] for row in listing("ps") if row["id"] == "swaps")
    swapping = subprocess.Popen([sys.executable, "-c", SWAP, f"/proc/{pid}/root/swap"])
    for _ in range(20):
        # If a copy blocks, this timeout expires.
        completed = subprocess.run(["dist", "cp", "swaps:/swap", "-"], capture_output=True, check=True, timeout=120)
        members = {member.name: member for member in tarfile.open(fileobj=io.BytesIO(completed.stdout))}
        equal(members["swap/steady"].size, len("steady\n"))
        for name, member in members.items():
            assert member.isdir() or member.isfifo() or member.size == (7 if name == "swap/steady" else 5), (name, member.size)
    swapping.kill()
    swapping.wait()
    good("rm", "-f", "swaps")


def test_a_sparse_file_is_whole():
    good("exec", "runs", "sh", "-c", "echo begin >/sparse; dd if=/dev/zero of=/sparse bs=1 count=0 seek=9000000; echo end >>/sparse; "
         "dd if=/dev/zero of=/hole bs=1 count=0 seek=5000000")
    members = tar_of("runs", "/sparse")
    data = members.extractfile("sparse").read()
    equal((len(data), data[:6], data[-4:], set(data[6:-4])), (9000004, b"begin\n", b"end\n", {0}))
    equal(tar_of("runs", "/hole").getmembers()[0].size, 5000000)


def test_list_of_changes_reveals_nothing_of_the_host():
    """Files below a directory that replaces a link are listed as added, whatever the link refers to on the host."""
    good("run", "--id=told", IMAGE, "sh", "-c", "rm /out /dir/link; mkdir /out /dir/link; touch /out/passwd /out/nothing /dir/link/x")
    lines = good("diff", "told").splitlines()
    for line in ("A /out/passwd", "A /out/nothing", "A /dir/link/x"):
        assert line in lines, lines
    good("rm", "told")


def test_list_of_changes_cannot_control_a_terminal():
    """The service writes the list to the terminal itself. Names with control characters, also those of Unicode, and with
    characters that turn the direction of the text are escaped."""
    good("run", "--id=painted", IMAGE, "sh", "-c", "touch '/a\x1b[2J' '/b\u009b2J' '/c\u202eexe' '/d\rover' '/e\nA f' '/g é'")
    equal([line for line in good("diff", "painted").splitlines() if line[0] == "A" and not line.startswith("A /etc/")],
          [r"A /a\033[2J", r"A /b\302\2332J", r"A /c\342\200\256exe", r"A /d\rover", r"A /e\nA f", "A /g é"])
    good("rm", "painted")


def test_list_of_changes():
    good("run", "-d", "--id=changed", IMAGE)
    good("exec", "changed", "sh", "-c", "echo x >/new; echo y >>/dir/file; rm /dir/sub/deep; mkdir /fresh; touch '/fresh/a b'; rm -r /dir/sub")
    for _ in range(2):
        lines = good("diff", "changed").splitlines()
        for line in ("A /new", "C /dir", "C /dir/file", "D /dir/sub", "A /fresh", "A /fresh/a b"):
            assert line in lines, (line, lines)
        assert "C /dir/link" not in lines, lines
        dist("kill", "-s", "KILL", "changed")
        dist("wait", "changed")
    good("rm", "changed")
    contains(dist("diff", "changed").err, "changed")


def test_destination_names_are_those_that_podman_documents():
    """Destinations are named as podman documents, in both directions, with a running and with a stopped container."""
    layer = (oci.Layer().directory("src").add("src/a", b"aa", mode=0o640).directory("src/sub").add("src/sub/b", b"bb")
             .symlink("dirlink", "src").directory("dst").add("dst/x", b"old"))
    reference = f"{HOST}/copy/names:x"
    oci.push(oci.Image([oci.busybox_layer(), layer], {"Env": ["PATH=/bin"], "Cmd": ["sleep", "1000"]}), reference)
    good("pull", reference)
    stream = oci.Layer("none").add("implied/file", b"x").finish()[2]
    for verb in (("run", "-d"), ("create",)):
        good(*verb, "--id=names", reference)
        place = tempfile.mkdtemp()
        os.chdir(place)

        def there(path):
            return os.path.exists(os.path.join(place, path))
        # Out of the container: with a new name, into a directory, the contents of a directory, through a link.
        equal(dist("cp", "names:/src/a", "new").err, "")
        os.mkdir("into")
        good("cp", "names:/src", "into")
        good("cp", "names:/src", "made/")
        os.mkdir("contents")
        os.chmod("contents", 0o700)
        good("cp", "names:/src/.", "contents")
        good("cp", "names:/dirlink/", "behind")
        assert all(map(there, ("new", "into/src/sub/b", "made/sub/b", "contents/sub/b", "behind/a"))), os.listdir(place)
        assert not there("contents/src"), os.listdir("contents")
        equal(os.stat("contents").st_mode & 0o777, 0o700)
        # A file cannot be copied where a directory is needed, nor a directory where a file is needed.
        for source, target, word in (("/src/a", "none/", "not a directory"), ("/src", "new", "a directory"), ("/src/a", "new/", "Not a directory"),
                                     ("/src", "new/", "Not a directory"), ("/src/.", "new/", "Not a directory"),
                                     ("/src", "absent/below", "No such file")):
            result = dist("cp", f"names:{source}", target)
            contains(result.err, word)
            equal(result.err.count("\n"), 1, "one line says it")
        assert os.path.isfile("new") and not there("none") and not there("absent")
        # Into the container, in the same way.
        os.symlink("new", "link")
        os.symlink("nowhere", "dangling")
        for source, word in (("new/", "Not a directory"), ("dangling", "No such file"), ("dangling/.", "No such file")):
            contains(dist("cp", source, "names:/dst/refused").err, word)
        # All users can enter a directory that an archive only implies.
        subprocess.run(["dist", "cp", "-", "names:/dst"], input=stream, check=True, timeout=300)
        good("cp", "names:/dst/implied", "streamed")
        equal(os.stat("streamed").st_mode & 0o777, 0o755)
        for source, target in (("new", "/dst"), ("link", "/dst/linked"), ("into/src", "/dst/"), ("into/src/.", "/dst"), ("into", "/dst/made/")):
            equal(dist("cp", source, f"names:{target}").err, "")
        for source, target, word in (("into", "/dst/x", "not a directory"), ("new", "/dst/absent/", "not a directory"), ("new", "/dst/x/", "not a directory"),
                                     ("new", "/none/y", "No such file")):
            contains(dist("cp", source, f"names:{target}").err, word)
        # Between two containers, which are the same one here.
        good("cp", "names:/dst", "names:/second")
        good("cp", "names:/src/a", "names:/second/")
        good("cp", "names:/src/.", "names:/third")
        contains(dist("cp", "names:/src/a", "names:/absent/").err, "not a directory")
        contains(dist("cp", "names:/absent", "names:/fourth").err, "absent")
        os.mkdir("all")
        for source in ("dst", "second", "third"):
            good("cp", f"names:/{source}", "all")
        contains(dist("cp", "names:/fourth", "all").err, "fourth")
        for path, what in (("dst/new", "aa"), ("dst/linked", "aa"), ("dst/src/sub/b", "bb"), ("dst/sub/b", "bb"), ("dst/made/src/a", "aa"),
                           ("dst/x", "old"), ("second/src/sub/b", "bb"), ("second/a", "aa"), ("third/sub/b", "bb")):
            with open(f"all/{path}", encoding="utf-8") as file:
                equal(file.read(), what, path)
        assert not os.path.islink("all/dst/linked")
        os.chdir("/")
        shutil.rmtree(place)
        good("rm", "-f", "names")


def test_a_link_at_the_destination_is_followed():
    """As by cp(1), docker and podman: a file is written where a link leads, whether or not anything is there."""
    layer = (oci.Layer().directory("to").directory("to/real").add("to/real/file", b"old").symlink("to/link", "real/file").symlink("to/chain", "link")
             .symlink("to/absolute", "/to/real/new").symlink("to/up", "../../../../to/real/top").symlink("to/lost", "nowhere/x")
             .symlink("to/ring", "ring").symlink("to/magic", "/proc/self/cwd/x")
             .symlink("to/ups", "../to/.").symlink("to/dots", "real/..").symlink("to/dirlink", "real").symlink("to/gone", "real/gone").add("to/file", b"from"))
    reference = f"{HOST}/copy/followed:x"
    oci.push(oci.Image([oci.busybox_layer(), layer], {"Env": ["PATH=/bin"], "Cmd": ["sleep", "1000"]}), reference)
    good("pull", reference)
    for verb in (("run", "-d"), ("create",)):
        good(*verb, "--id=followed", reference)
        place = tempfile.mkdtemp()
        os.chdir(place)
        for name, leads in (("link", "real/file"), ("chain", "real/file"), ("absolute", "real/new"), ("up", "real/top")):
            with open("local", "w", encoding="utf-8") as file:
                file.write(name)
            good("cp", "local", f"followed:/to/{name}")
            good("cp", "followed:/to/.", "all")
            assert os.path.islink(f"all/{name}"), name
            with open(f"all/{leads}", encoding="utf-8") as file:
                equal(file.read(), name)
            shutil.rmtree("all")
        for name, word in (("lost", "nowhere/x"), ("ring", "Too many"), ("magic", "/proc/self/cwd/x")):
            contains(dist("cp", "local", f"followed:/to/{name}").err, word)
        # Each member of an archive is copied to its own place.
        stream = oci.Layer("none").add("one", b"1").add("two", b"2").finish()[2]
        subprocess.run(["dist", "cp", "--as=link", "-", "followed:/to"], input=stream, check=True, timeout=300)
        good("cp", "followed:/to/real/file", "last")
        with open("last", encoding="utf-8") as file:
            equal(file.read(), "2")
        # Out of the container, in the same way.
        os.mkdir("real")
        os.symlink("real/file", "link")
        os.symlink("link", "chain")
        for name in ("link", "chain"):
            good("cp", "followed:/to/file", name)
            assert os.path.islink(name) and os.path.isfile("real/file")
            os.unlink("real/file")
        # With -L, also at the source.
        for name, what in (("link", "magic"), ("chain", "magic"), ("absolute", "absolute"), ("ups", None), ("dots", None)):
            good("cp", "-L", f"followed:/to/{name}", "through")
            if what:
                with open("through", encoding="utf-8") as file:
                    contains(("2", "absolute"), file.read())
                os.unlink("through")
            else:
                assert os.path.isfile("through/real/file"), os.listdir("through")
                shutil.rmtree("through")
        good("cp", "--follow-link", "followed:/to/dirlink", ".")
        assert os.path.isfile("dirlink/file") and not os.path.islink("dirlink")
        good("cp", "-L", "followed:/to/link", "followed:/to/real/again")
        good("cp", "followed:/to/real/again", "through")
        assert not os.path.islink("through")
        for name, word in (("lost", "nowhere/x"), ("ring", "Too many"), ("magic", "/proc/self/cwd/x"), ("gone", "No such file")):
            contains(dist("cp", "-L", f"followed:/to/{name}", "refused").err, word)
        good("cp", "followed:/to/ring", "kept")
        assert os.path.islink("kept")
        # What is neither a file nor a directory is not replaced, on either side.
        os.mkfifo("fifo")
        os.symlink("fifo", "leads")
        for name in ("fifo", "leads", "/dev/null"):
            contains(dist("cp", "followed:/to/file", name).err, "neither")
        assert stat.S_ISFIFO(os.stat("fifo").st_mode) and stat.S_ISCHR(os.stat("/dev/null").st_mode)
        good("cp", "fifo", "followed:/to/fifo")
        contains(dist("cp", "local", "followed:/to/fifo").err, "neither")
        # A file does not replace a directory, even if that is empty.
        os.makedirs("into/file")
        contains(dist("cp", "followed:/to/file", "into").err, "not a directory")
        assert os.path.isdir("into/file")
        os.chdir("/")
        shutil.rmtree(place)
        good("rm", "-f", "followed")


def test_names_with_backslashes_and_dots():
    good("create", "--id=odd", IMAGE, "true")
    place = tempfile.mkdtemp()
    os.makedirs(f"{place}/di\\tr/back\\n\\060slash")
    with open(f"{place}/di\\tr/a\\tb", "w", encoding="utf-8") as file:
        file.write("x")
    good("cp", f"{place}/di\\tr/a\\tb", "odd:/tmp")
    good("cp", f"{place}/di\\tr/.", "odd:/tmp/all")
    good("cp", "odd:/tmp/all/back\\n\\060slash/..", place)
    equal(sorted(os.listdir(f"{place}/all")), ["a\\tb", "back\\n\\060slash"])
    good("cp", "odd:/tmp/a\\tb", f"{place}/copy")
    with open(f"{place}/copy", encoding="utf-8") as file:
        equal(file.read(), "x")
    shutil.rmtree(place)
    good("rm", "odd")


def test_copies_of_one_container_at_once():
    """Concurrent copies out of and into one container all succeed."""
    good("create", "--id=busy", IMAGE, "true")
    os.makedirs(f"{WORK}/many", exist_ok=True)
    for number in range(40):
        with open(f"{WORK}/many/into{number}", "w", encoding="utf-8") as file:
            file.write("x")

    def one(number):
        return dist("cp", f"{WORK}/many/into{number}" if number % 2 else "busy:/dir", f"busy:/into{number}")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        equal([result for result in pool.map(one, range(40)) if result.status], [])
    equal({line.split()[-1] for line in good("diff", "busy").splitlines() if line.count("/") == 1 and "into" in line},
          {f"/into{number}" for number in range(40)})
    good("rm", "busy")


def test_a_copy_that_has_not_begun_ends_with_the_service():
    """Nothing knows any more that it would write in the container, which can be started or committed meanwhile."""
    good("create", "--id=waits", IMAGE, "true")
    with tarfile.open(f"{WORK}/late.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("late"))
    lock = f"{STATE}/containers/waits/lock"
    with open(lock, "w", encoding="ascii") as held, open(f"{WORK}/late.tar", "rb") as source:
        fcntl.flock(held, fcntl.LOCK_EX)
        with subprocess.Popen(["dist", "cp", "-", "waits:/dir"], stdin=source, stderr=subprocess.DEVNULL) as copy:
            pid = wait_until(lambda: run("pgrep", "-x", "berth-copy").out.strip(), "the copy")
            wait_until(lambda: lock in [os.path.realpath(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")], "it waits")
            kill_service()
        equal(copy.returncode, 1)
    wait_until(lambda: run("pgrep", "-x", "berth-copy").status == 1, "the end of the copy")
    assert not os.path.exists(f"{STATE}/containers/waits/upper/dir/late")
    good("rm", "waits")


def test_a_volume_of_a_stopped_container():
    """A file that is copied below a mount point is in the volume, for the next start and for other containers."""
    for options in ((), ("--userns=host",)):
        good("create", "--id=stores", *options, "-v", "stored:/data", "-v", "deep:/made/for/it", IMAGE, "sleep", "1000")
        with open(f"{WORK}/kept", "w", encoding="utf-8") as file:
            file.write("kept\n")
        good("cp", f"{WORK}/kept", "stores:/data/one")
        good("cp", f"{WORK}/kept", "stores:/made/for/it/two")
        equal(tar_of("stores", "/data/one").extractfile("one").read(), b"kept\n")
        good("start", "stores")
        equal(good("exec", "stores", "sh", "-c", "cat /data/one /made/for/it/two; stat -c %u /data/one"), "kept\nkept\n0\n")
        good("rm", "-f", "stores")
        good("volume", "rm", "stored")
        good("volume", "rm", "deep")


def test_files_are_copied_into_files_of_a_kept_id():
    """Root of the container has no id on disk in own files of another user, who then owns what is copied there."""
    uid, gid = pwd.getpwnam("alice")[2:4]
    polkit_rule('''polkit.addRule(function(action, subject) { if (subject.user == "alice") return "yes"; });''')
    os.makedirs("/srv/own")
    # A file system that supports ID-mapped mounts, unlike the root file system of the test machine.
    run("mount", "-t", "tmpfs", "tmpfs", "/srv/own")
    for path in ("v/closed", "root/bin", "root/tmp"):
        os.makedirs(f"/srv/own/{path}")
    shutil.copy("/bin/busybox", "/srv/own/root/bin/sleep")
    run("chown", "-R", "alice:alice", "/srv/own")
    os.chown("/srv/own/v/closed", 0, 0)
    source = f"{WORK}/kept-id"
    os.makedirs(f"{source}/below")
    with open(f"{source}/below/file", "w", encoding="utf-8") as file:
        file.write("kept\n")
    os.chown(f"{source}/below/file", 1234, 1234)

    def check_copied(path):
        for entry in (path, f"{path}/below", f"{path}/below/file"):
            status = os.stat(f"/srv/own/{entry}")
            equal((status.st_uid, status.st_gid), (uid, gid), entry)
        equal(os.stat(f"/srv/own/{path}/below/file").st_mode & 0o777, 0o644)
        with open(f"/srv/own/{path}/below/file", encoding="utf-8") as file:
            equal(file.read(), "kept\n")

    # Without --userns=keep-id, alice is root of the container in her files.
    for number, options in enumerate((("--userns=keep-id",), ())):
        good("run", "-d", "--id=kept", *options, "-v", "/srv/own/v:/v", IMAGE, user="alice")
        good("cp", source, f"kept:/v/{number}", user="alice")
        check_copied(f"v/{number}")
        # Files that exist are replaced, and their owners are kept only where the mount has them.
        good("cp", "-a", f"{source}/below", f"kept:/v/{number}", user="alice")
        check_copied(f"v/{number}")
        # Everywhere else, files still belong to root; and the directories of others stay refused.
        good("cp", source, "kept:/tmp/kept", user="alice")
        equal(tar_of("kept", "/tmp/kept/below/file").getmembers()[0].uid, 0)
        contains(dist("cp", source, "kept:/v/closed", user="alice").err, "write kept-id")
        equal(os.listdir("/srv/own/v/closed"), [])
        for path, as_owner in (("/v", bool(options)), ("/tmp", False)):
            read, write = os.pipe()
            copying, _, status = in_its_sandbox("-", f"kept:{path}", stdin=read)
            for ids in ("Uid", "Gid"):
                real, effective, saved, of_files = status[ids].split()
                equal((effective, saved, of_files != real), (real, real, as_owner), f"{path}: {status[ids]}")
            equal(int(status["CapEff"], 16), COPIES_IN)
            os.close(write)
            os.close(read)
            copying.wait(60)
            wait_until(lambda: not copiers(), "the copy ends")
        good("rm", "-f", "kept", user="alice")
    good("run", "-d", "--id=kept", "--userns=keep-id", "--rootfs", "/srv/own/root", "sleep", "1000", user="alice")
    good("cp", source, "kept:/tmp/runs", user="alice")
    good("kill", "-s", "KILL", "kept", user="alice")
    dist("wait", "kept", user="alice")
    good("cp", source, "kept:/tmp/stopped", user="alice")
    for name in ("runs", "stopped"):
        check_copied(f"root/tmp/{name}")
    good("rm", "kept", user="alice")
    polkit_rule("")


def test_errors_name_the_path():
    for arguments, word in ((("runs:/nothere", WORK), "nothere"), ((f"{WORK}/nothere", "runs:/tmp"), "nothere"), (("a", "b"), "ID:PATH"),
                            (("nosuch:/x", WORK), "nosuch"), ((f"{WORK}/file", "runs:/no/such/directory/"), "/no/such"),
                            (("runs:/" + "x" * 4096, WORK), "too large")):
        result = dist("cp", *arguments)
        equal(result.status, 1, str(arguments)[:100])
        contains(result.err, word)
    result = subprocess.run(["dist", "cp", "-", "runs:/tmp"], input=b"no tar at all" * 100, capture_output=True, check=False, timeout=300)
    equal((result.returncode, result.stderr), (1, b"dist: this is not a valid tar archive: a number in a header is malformed\n"))
    # The other container is missing, and not the reader of a pipe.
    contains(dist("cp", "runs:/etc/passwd", "nosuch:/x").err, 'there is no container "nosuch"')
    contains(dist("cp", "nosuch:/x", "runs:/tmp").err, 'there is no container "nosuch"')


def test_an_error_of_the_system_has_its_reason():
    good("run", "-d", "--id=fixed", "--read-only", IMAGE)
    contains(dist("cp", "/etc/hostname", "fixed:/dir/mine").err, "mine': Read-only file system")
    good("rm", "-f", "fixed")


def test_a_file_that_does_not_fit_is_an_error():
    good("run", "-d", "--id=small", "--tmpfs=/small:size=1M", IMAGE, "sleep", "1000")
    with open("/var/tmp/large", "wb") as file:
        file.write(os.urandom(3 << 20))
    result = dist("cp", "/var/tmp/large", "small:/small/")
    equal(result.status, 1, str(result))
    contains(result.err, "large: No space left on device")
    good("rm", "-f", "small")
    os.unlink("/var/tmp/large")


def test_a_reader_that_closes_its_pipe():
    good("exec", "runs", "dd", "if=/dev/zero", "of=/tmp/large", "bs=1M", "count=64")
    reader = subprocess.Popen(["sh", "-c", "dist cp runs:/tmp/large - | head -c 1000 >/dev/null"])
    equal(reader.wait(120), 0)
    wait_until(lambda: run("pgrep", "-x", "berth-copy").status != 0, "the copy ends")
    good("rm", "-f", "runs")


def test_a_stopped_container_is_not_deleted_during_a_copy():
    reader, writer = os.pipe()
    copy = subprocess.Popen(["dist", "cp", "-", "idle:/tmp"], stdin=reader)
    wait_until(lambda: run("pgrep", "-x", "berth-copy").status == 0, "the copy begins")
    contains(dist("start", "idle").err, "copied")
    contains(dist("rm", "idle").err, "copied")
    os.close(writer)
    os.close(reader)
    equal(copy.wait(120), 0)
    good("rm", "idle")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
