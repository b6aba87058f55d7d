# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures pulls of various images for "bench --pulls", in the test machine: pulls.py DIRECTORY ROUNDS. images.py has
written its files to the directory.

As in measure.py, each round measures each system once, and ratios are those within a round."""

import json
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import measure  # noqa: E402  pylint: disable=wrong-import-position
from measure import oci  # noqa: E402  pylint: disable=wrong-import-position

REGISTRY = "127.0.0.1:5000"
FAR = "127.0.0.1:5020"
FAR_DELAY_MSEC, FAR_MBIT = 20, 100
SMALL_FILES, SMALL_BYTES = 50000, 700
THIN_LAYERS = 128
AT_ONCE = 10


class Igzip:
    """Unpacks the layers one after another into one tree, from local files."""
    name = "igzip | tar"

    def __init__(self, layers):
        self.paths = []
        os.makedirs("/tmp/layers", exist_ok=True)
        for number, (_, _, stored) in enumerate(layers):
            path = f"/tmp/layers/{id(self)}-{number}"
            with open(path, "wb") as file:
                file.write(stored)
            self.paths.append(path)

    def reset(self):
        measure.fresh("/tmp/igzip")

    def pull(self, _):
        for path in self.paths:
            measure.run("sh", "-c", f"igzip -dc {path} | tar --numeric-owner -xf - -C /tmp/igzip")

    def forget(self):
        for path in self.paths:
            os.unlink(path)


def text_of(generator, size):
    """Returns data that compresses about as well as programs do."""
    return bytes(generator.choices(range(256), weights=[9 if 96 < byte < 123 else 1 for byte in range(256)], k=size))


def small_files():
    generator = random.Random(1)
    contents = [text_of(generator, SMALL_BYTES) for _ in range(100)]
    layer = oci.Layer()
    for number in range(SMALL_FILES):
        if number % 100 == 0:
            layer.directory(f"d{number // 100}")
        layer.add(f"d{number // 100}/{number}", contents[number % 100])
    return layer.finish()


def thin_layer(number):
    layer = oci.Layer()
    layer.directory("d")
    for file in range(5):
        layer.add(f"d/{number}-{file}", f"{number} {file}\n".encode() * 100)
    return layer.finish()


def random_layer(seed, size):
    return oci.Layer().add(f"f{seed}", text_of(random.Random(seed), size)).finish()


def push(layers, name):
    oci.push(oci.Image(layers, {"Cmd": ["true"]}), f"{REGISTRY}/{name}:x")
    return f"{REGISTRY}/{name}:x"


def read_large(directory):
    with open(f"{directory}/large.json", encoding="utf-8") as file:
        listed = json.load(file)
    layers = []
    for entry in listed:
        with open(f"{directory}/{entry['file']}", "rb") as file:
            layers.append((entry["diff_id"], oci.LAYER + "+gzip", file.read()))
    return layers


def reset(system):
    system.reset()


def pull_at_once(system, names):
    """Pulls all images concurrently, with one client per image."""
    children = []
    for name in names:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                system.pull(name)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    if any(os.waitpid(child, 0)[1] for child in children):
        raise SystemExit("a pull failed")


def pull_far(systems, image, rounds):
    with subprocess.Popen([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "far.py"), FAR, REGISTRY,
                           str(FAR_DELAY_MSEC), str(FAR_MBIT)], stdout=subprocess.PIPE) as far:
        far.stdout.readline()
        figures = measure.measure(f"pull from a registry {FAR_DELAY_MSEC} ms away, at {FAR_MBIT} Mbit/s", systems, rounds,
                                  lambda s: s.pull(image.replace(REGISTRY, FAR)), before=reset)
        far.terminate()
    return figures


def pull_of(title, systems, layers, name, rounds):
    image = push(layers, name)
    igzip = Igzip(layers)
    figures = measure.measure(title, [*systems, igzip], rounds, lambda s: s.pull(image), before=reset, after=reset)
    igzip.forget()
    return figures


def main():
    directory, rounds = sys.argv[1], int(sys.argv[2])
    measure.warm(3000)
    berth, ctr, podman, skopeo = measure.Berth(), measure.Containerd(), measure.Podman(), measure.SkopeoAlone()
    systems = [berth, ctr, podman, skopeo]
    layers = read_large(directory)
    megabytes = sum(len(layer[2]) for layer in layers) / 1e6
    figures = pull_of(f"pull of {len(layers)} layers, {megabytes:.0f} MB stored", systems, layers, "large", rounds)
    figures |= pull_of(f"pull of {SMALL_FILES} files in one layer", systems, [small_files()], "small", rounds)
    figures |= pull_of(f"pull of {THIN_LAYERS} layers", systems, [thin_layer(number) for number in range(THIN_LAYERS)], "thin",
                       rounds)
    base, top = f"{REGISTRY}/large:x", push([*layers, random_layer(0, 1000000)], "top")

    def prepare(system):
        system.reset()
        system.pull(base)
    figures |= measure.measure("pull of the top layer; all others are there", [berth, ctr, podman], rounds,
                               lambda s: s.pull(top), before=prepare, after=reset)
    del layers
    names = [push([random_layer(number, 10000000)], f"one-{number}") for number in range(1, AT_ONCE + 1)]
    figures |= measure.measure(f"pull of {AT_ONCE} images at once", [berth, ctr, podman], rounds,
                               lambda s: pull_at_once(s, names), before=reset, after=reset)
    figures |= pull_far([berth, ctr, podman, skopeo], names[0], rounds)
    ctr.process.terminate()
    time.sleep(0.1)
    print(json.dumps(figures), file=sys.stderr)


if __name__ == "__main__":
    main()
