# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the large image of "bench --pulls": images.py DIRECTORY. Its first layer is deb.tar, which "bench" has written
to that directory; five more layers of about 190 MB each are parts of this system's /usr."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile

TREES = ("/usr/bin", "/usr/share", "/usr/include", "/usr/lib")
LAYERS, LAYER_BYTES, MAX_FILE_BYTES = 5, 190 * 1000 * 1000, 20 * 1000 * 1000


def list_files():
    for tree in TREES:
        for directory, below, names in os.walk(tree):
            below.sort()
            for name in sorted(names):
                path = os.path.join(directory, name)
                if os.path.islink(path) or (os.path.isfile(path) and os.path.getsize(path) < MAX_FILE_BYTES):
                    yield path


def write_tars(directory):
    files = list_files()
    for number in range(LAYERS):
        path = f"{directory}/large-{number}.tar"
        with tarfile.open(path, "w") as tar:
            while tar.offset < LAYER_BYTES and (name := next(files, None)):
                tar.add(name, recursive=False)
        yield path


def digest_of_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def main():
    directory = sys.argv[1]
    listed = []
    for path in [f"{directory}/deb.tar", *write_tars(directory)]:
        with open(path + ".gz", "wb") as file:
            subprocess.run(["gzip", "-6", "-n", "-c", path], check=True, stdout=file)
        listed.append({"diff_id": digest_of_file(path), "file": os.path.basename(path) + ".gz"})
        if "large-" in path:
            os.unlink(path)
    with open(f"{directory}/large.json.new", "w", encoding="utf-8") as file:
        json.dump(listed, file)
    os.rename(f"{directory}/large.json.new", f"{directory}/large.json")


if __name__ == "__main__":
    main()
