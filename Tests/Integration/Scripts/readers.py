#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Readers of every family, side by side and without a pause, while somebody publishes.

    readers.py PROGRAMS TREE KEYS FINGERPRINT WORK NAME=URL=CA...

For each server there is our client (list, info, download), stock lxc-download as it reads an index with its signature (LXC 4.0.6) and
without (6.0.4), and python-simplestreams, which verifies .sjson and the files; and one 'repo check' of the tree itself.
Prints one line of JSON when WORK/stop appears: how often each read, how often a file and its signature were of two publications,
and every failure.
"""

import json
import lzma
import os
import random
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

from simplestreams import mirrors, util

programs, tree, keys, fingerprint, work = sys.argv[1:6]
servers = [word.split("=", 2) for word in sys.argv[6:]]
reads, torn, failures = {}, {}, []
guard = threading.Lock()


class Failure(Exception):
    pass


def run(words, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, **options)
    if done.returncode != 0:
        raise Failure(f"{words[:4]}: {done.returncode}: {done.stderr.decode(errors='replace')[-600:]}")
    return done.stdout


def require(condition, what):
    if not condition:
        raise Failure(what)


def loop(name, body):
    """Reads until the end; what goes wrong is written down and does not end it."""
    while not os.path.exists(f"{work}/stop"):
        try:
            body()
        except Exception as error:  # Whatever it is, it is what a user would have seen.
            with guard:
                failures.append(f"{name}: {type(error).__name__}: {error}"[:1000])
        with guard:
            reads[name] = reads.get(name, 0) + 1


class OurClient:
    """rootcellar-client with a home, a pin and a cache of its own."""

    def __init__(self, name, url, ca):
        self.top = f"{work}/client-{name}"
        os.makedirs(f"{self.top}/etc")
        self.host = url.removeprefix("https://")
        self.environment = dict(
            os.environ, HOME=self.top, ROOTCELLAR_ETC=f"{self.top}/etc", LXC_CACHE_PATH=f"{self.top}/cache")
        self.call("trust", "add", url, "--fingerprint", fingerprint, "--ca", ca)
        self.count = 0

    def call(self, *words):
        return run([f"{programs}/rootcellar-client", *words], env=self.environment)

    def read(self):
        images = self.call("list", "--server", self.host)
        require(images.count(b"example") > 0, f"the list has no image: {images[:300]}")
        self.call("info", "example/one/amd64", "--server", self.host)
        self.count += 1
        path = f"{self.top}/c{self.count}"
        os.makedirs(f"{path}/rootfs")
        with open(f"{path}/config", "w") as config:
            config.write("lxc.rootfs.path = dir:/nowhere\n")
        self.call("download", f"--path={path}", f"--name=c{self.count}", f"--rootfs={path}/rootfs", "-d", "example",
                  "-r", ["one", "two", "three"][self.count % 3], "-a", "amd64", "--server", self.host)
        require(os.path.exists(f"{path}/rootfs/bin/tool"), "the container is not whole")
        run(["rm", "-rf", path])


class StockClient:
    """What lxc-download does with an index: the newest one that there is of its compatibility level."""

    def __init__(self, name, url, ca, isSigned):
        self.url = url
        self.context = ssl.create_default_context(cafile=ca)
        self.name = f"{name} {'4.0.6' if isSigned else '6.0.4'}"
        self.home = None
        if isSigned:
            self.home = f"{work}/gpg-{name}"
            os.makedirs(self.home, mode=0o700)
            run(["gpg", "--homedir", self.home, "--batch", "--quiet", "--import", f"{work}/release.asc"])

    def get(self, path):
        # The template joins addresses and paths with a slash of its own.
        with urllib.request.urlopen(f"{self.url}/{path}", context=self.context, timeout=60) as reply:
            return reply.read()

    def verified(self, path):
        """A file and the signature beside it. They are two requests: a publication may come between, and who asks again is right."""
        for attempt in range(3):
            content, signature = self.get(path), self.get(f"{path}.asc")
            with tempfile.TemporaryDirectory(dir=work) as directory:
                for file, text in [("file", content), ("file.asc", signature)]:
                    with open(f"{directory}/{file}", "wb") as out:
                        out.write(text)
                done = subprocess.run(
                    ["gpg", "--homedir", self.home, "--batch", "--verify", f"{directory}/file.asc", f"{directory}/file"],
                    stdin=subprocess.DEVNULL, capture_output=True)
            if done.returncode == 0:
                return content
            with guard:
                torn[self.name] = torn.get(self.name, 0) + 1
        raise Failure(f"{path} never verifies: {done.stderr.decode(errors='replace')[-300:]}")

    def read(self):
        get = self.verified if self.home else self.get
        rows = get("/meta/1.0/index-user.7" if not self.home else "/meta/1.0/index-user.5").decode().splitlines()
        require(rows and all(len(row.split(";")) == 6 for row in rows), f"not an index: {rows[:3]}")
        path = random.choice(rows).split(";")[5]
        for file in ["meta.tar.xz", "rootfs.tar.xz"]:
            lzma.decompress(get(f"{path}{file}"))


class StreamsReader(mirrors.BasicMirrorWriter):
    """python-simplestreams, as sstream-mirror uses it: signed index, signed catalogue, one build with every hash."""

    def __init__(self, url):
        super().__init__({"max_items": 1})
        self.url = url
        self.items = 0

    def load_products(self, path=None, content_id=None):
        return {}

    def insert_item(self, data, src, target, pedigree, contentsource):
        size = 0
        while block := contentsource.read(1 << 20):
            size += len(block)
        require(size == int(data["size"]), "an item of another size")
        self.items += 1

    def read(self):
        def policy(content, path):
            return util.read_signed(content, keyring=f"{work}/release.gpg")
        self.items = 0
        self.sync(mirrors.UrlMirrorReader(f"{self.url}/", policy=policy), "streams/v1/index.sjson")
        require(self.items >= 6, f"{self.items} items")


def check():
    report = json.loads(run(
        [f"{programs}/rootcellar", "repo", "check", "--repo", tree, "--fingerprint", fingerprint, "--sample", "5", "--json"]))
    require(report["images"] == 3, "an image is missing")


def main():
    os.environ["GNUPGHOME"] = f"{work}/gnupg"
    os.makedirs(os.environ["GNUPGHOME"], mode=0o700)
    with open(f"{work}/release.asc", "wb") as out:
        out.write(run([f"{programs}/rootcellar", "key", "export", "--keys", keys, "--role", "release"]))
    run(["gpg", "--batch", "--yes", "--dearmor", "--output", f"{work}/release.gpg", f"{work}/release.asc"])
    with open(f"{work}/authorities.pem", "w") as out:
        for _, _, ca in servers:
            with open(ca) as file:
                out.write(file.read())
    os.environ["REQUESTS_CA_BUNDLE"] = f"{work}/authorities.pem"
    bodies = {"check": check}
    for name, url, ca in servers:
        bodies[f"{name} ours"] = OurClient(name, url, ca).read
        for isSigned in [True, False]:
            stock = StockClient(name, url, ca, isSigned)
            bodies[f"{stock.name}"] = stock.read
        bodies[f"{name} simplestreams"] = StreamsReader(url).read
    with open(f"{work}/ready", "w"):
        pass
    threads = [threading.Thread(target=loop, args=item) for item in bodies.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"reads": reads, "torn": torn, "failures": failures}, sort_keys=True))


main()
