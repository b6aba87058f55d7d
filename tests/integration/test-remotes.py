# SPDX-License-Identifier: LGPL-2.1-or-later
# Registries in practice: all kinds of credentials, mirrors, redirects, retries, proxies and configuration.

import base64
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import sys
import threading
import time
import urllib.parse

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from caller import Caller
import oci
from faulty_registry import FaultyRegistry

OWN = None  # a registry for which the service has credentials
AUTH = "/run/auth-test/auth.json"


def image(seed):
    layer = oci.Layer("gzip").directory("./").add("file", random.Random(seed).randbytes(200000))
    return oci.Image([layer])


def write_auth(document):
    os.makedirs(os.path.dirname(AUTH), exist_ok=True)
    with open(AUTH, "w", encoding="utf-8") as file:
        json.dump(document, file)


def entry(user, password):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def with_auth(*arguments, **more):
    return dist(*arguments, env={"REGISTRY_AUTH_FILE": AUTH, **more.pop("env", {})}, **more)


def pulled(reference, **more):
    result = with_auth("pull", reference, **more)
    equal(result.status, 0, result)
    return result


def test_a_registry_that_wants_basic_although_it_has_issued_a_token():
    registry = FaultyRegistry()
    write_auth({"auths": {registry.host: entry("anna", "secret")}})
    basic = "Basic " + base64.b64encode(b"anna:secret").decode()

    def hook(handler, url, with_body):
        given = handler.headers.get("Authorization")
        if url in ("/token", "/v2/") or given == basic or (given == "Bearer tok" and not everywhere and "/manifests/" in url):
            return url == "/token" and not registry.send(handler, 200, b'{"token":"tok"}', {}, True)
        challenge = 'Basic realm="x"' if given or "/blobs/" in url else f'Bearer realm="http://{registry.host}/token"'
        return not registry.fail(handler, 401, "who are you?", with_body, {"WWW-Authenticate": challenge})

    registry.hook = hook
    for everywhere in (True, False):
        reference, _ = registry.add(f"mixed/{everywhere}:x".lower(), image(everywhere))
        pulled(reference)
        good("rmi", reference)


def test_a_registry_that_hides_images_from_anonymous_users():
    """Only /v2/ replies with a challenge; credentials that are there are tried before an image counts as absent."""
    registry = FaultyRegistry()
    basic = "Basic " + base64.b64encode(b"anna:secret").decode()
    for status, kind in ((404, "Basic"), (403, "Bearer"), (401, "Basic")):
        def hook(handler, url, with_body, status=status, kind=kind):
            if url == "/token":
                if handler.headers.get("Authorization") != basic:
                    return not registry.fail(handler, 401, "not to everybody", with_body, {})
                return not registry.send(handler, 200, b'{"token":"tok"}', {}, True)
            if handler.headers.get("Authorization") == {"Basic": basic, "Bearer": "Bearer tok"}[kind]:
                return False
            challenge = {"WWW-Authenticate": f'{kind} realm="http://{registry.host}/token"'} if url == "/v2/" else {}
            return not registry.fail(handler, 401 if challenge else status, "who are you?", with_body, challenge)

        registry.hook = hook
        reference, _ = registry.add(f"hidden/{status}:x", image(status))
        write_auth({})
        equal(with_auth("pull", reference).status, 1)
        write_auth({"auths": {registry.host: entry("anna", "secret")}})
        pulled(reference)
        contains(with_auth("pull", f"{registry.host}/hidden/absent:x").err, "404")


def test_a_registry_that_challenges_only_at_its_root_gives_anonymous_tokens():
    """As with docker and skopeo, which ask /v2/ before everything else."""
    registry = FaultyRegistry()
    refuse = []

    def hook(handler, url, with_body):
        if url == "/token":
            asked.append(handler.headers.get("Authorization"))
            return not registry.send(handler, 401 if refuse else 200, b'{"token":"tok"}', {}, True)
        if handler.headers.get("Authorization") == "Bearer tok":
            return False
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'} if url == "/v2/" else {}
        return not registry.fail(handler, 401 if challenge else status, "who are you?", with_body, challenge)

    registry.hook = hook
    write_auth({})
    for status in (401, 403, 404):
        asked = []
        reference, _ = registry.add(f"root/{status}:x", image(status + 10))
        pulled(reference)
        equal(asked, [None])
        # If there are no such tokens, the reply to the request itself is what the user learns.
        refuse.append(True)
        contains(with_auth("pull", f"{registry.host}/root/absent:x").err, {404: "no image"}.get(status, f"answered {status} to manifests/x"))
        refuse.clear()


def test_credentials_that_cannot_answer_the_root_s_challenge_do_not_change_the_error():
    """An identity token is of no use where /v2/ wants a user name; neither are no credentials at all."""
    registry = FaultyRegistry()

    def hook(handler, url, with_body):
        challenge = {"WWW-Authenticate": 'Basic realm="x"'} if url == "/v2/" else {}
        return not registry.fail(handler, 401 if challenge else 404, "nothing here", with_body, challenge)

    registry.hook = hook
    for auth in ({}, {"auths": {registry.host: {"identitytoken": "refresh"}}}):
        write_auth(auth)
        contains(with_auth("pull", f"{registry.host}/root/absent:x").err, "the registry has no image")


def test_a_registry_that_hides_images_is_asked_again_when_the_token_has_expired():
    """A pull that takes longer than its token is valid, which is 60 seconds if the registry does not say, gets another one."""
    registry = FaultyRegistry()
    delayed = []

    def hook(handler, url, with_body):
        if url == "/token":
            return not registry.send(handler, 200, b'{"token":"tok"}', {}, True)
        if handler.headers.get("Authorization") == "Bearer tok":
            if "/blobs/" not in url or delayed:
                return False
            delayed.append(url)
            return not registry.fail(handler, 503, "later", with_body, {"Retry-After": "57"})
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'} if url == "/v2/" else {}
        return not registry.fail(handler, 401 if challenge else 404, "who are you?", with_body, challenge)

    registry.hook = hook
    reference, _ = registry.add("hidden/long:x", image(77))
    write_auth({"auths": {registry.host: entry("anna", "secret")}})
    pulled(reference)
    assert delayed
    equal([url for _, url, _ in registry.requests].count("/token"), 2)


def test_basic_credentials_from_the_auth_file():
    registry = FaultyRegistry()
    registry.basic = "anna:se:cret"
    reference, _ = registry.add("team/app:x", image(1))
    write_auth({})
    result = with_auth("pull", reference)
    equal(result.status, 1)
    contains(result.err, "401")
    contains(result.err, "dist login")
    write_auth({"auths": {registry.host: entry("anna", "wrong")}})
    result = with_auth("pull", reference)
    contains(result.err, "401")
    assert "wrong" not in result.err
    write_auth({"auths": {registry.host: entry("bob", "x"),
                          f"{registry.host}/team": entry("anna", "se:cret")}})
    pulled(reference)


def test_tokens_for_a_user():
    registry = FaultyRegistry()
    registry.token, registry.users = "tok.en", {"anna": "pw"}
    reference, _ = registry.add("app:x", image(2))
    write_auth({})
    result = with_auth("pull", reference)
    contains(result.err, "the token server answered 401")
    write_auth({"auths": {f"https://{registry.host}/v1/": entry("anna", "pw")}})
    pulled(reference)


def test_identity_tokens_by_oauth2():
    registry = FaultyRegistry()
    registry.token, registry.refresh = "tok.en", "re fresh&=tok"
    reference, _ = registry.add("app:x", image(3))
    write_auth({"auths": {registry.host: {"identitytoken": "re fresh&=tok"}}})
    pulled(reference)
    posted = [form for method, _, form in registry.requests if method == "POST"]
    # One parameter has all scopes (RFC 6749, section 3.3): that of the challenge, and the one for the image.
    equal(posted[0]["scope"], ["repository:x:pull repository:app:pull"])


def test_a_token_is_requested_once():
    registry = FaultyRegistry()
    registry.token, registry.token_lifetime = "tok.en", 300
    reference, _ = registry.add("app:x", image(4))
    pulled(reference)
    equal(len([path for _, path, _ in registry.requests if path == "/token"]), 1)


def test_a_registry_that_never_takes_the_token():
    registry = FaultyRegistry()
    registry.token = "tok.en"
    reference, _ = registry.add("app:x", image(5))
    registry.answer_token = lambda handler: registry.send(
        handler, 200, json.dumps({"token": "another"}).encode(), {}, True)
    result = with_auth("pull", reference)
    equal(result.status, 1)
    contains(result.err, "401")
    assert len(registry.requests) < 20, registry.requests


def test_credential_helpers():
    registry = FaultyRegistry()
    registry.basic = "<x>:y"
    registry.basic = "helped:by"
    reference, _ = registry.add("app:x", image(6))
    os.makedirs("/run/auth-test/bin", exist_ok=True)
    with open("/run/auth-test/bin/docker-credential-test", "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\n[ "$1" = get ] || exit 1\nread -r server\n'
                   f'[ "$server" = {registry.host} ] || {{ echo "credentials not found"; exit 1; }}\n'
                   'echo \'{"ServerURL":"","Username":"helped","Secret":"by"}\'\n')
        os.fchmod(file.fileno(), 0o755)
    path = {"PATH": f"/run/auth-test/bin:{os.environ['PATH']}"}
    write_auth({"credHelpers": {registry.host: "test"}})
    pulled(reference, env=path)
    registry.basic = "helped:by"
    write_auth({"credsStore": "test"})
    reference, _ = registry.add("app:y", image(7))
    pulled(reference, env=path)
    write_auth({"credHelpers": {registry.host: "absent"}})
    contains(with_auth("resolve", reference, env=path).err, "docker-credential-absent")
    # A path is not a valid name of a helper: the program at that path is not started.
    os.makedirs("/run/auth-test/docker-credential-x", exist_ok=True)
    with open("/run/auth-test/docker-credential-x/y", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\ntouch /run/auth-test/started\n")
        os.fchmod(file.fileno(), 0o755)
    write_auth({"credHelpers": {registry.host: "x/y"}})
    result = run("env", "-C", "/run/auth-test", "dist", "resolve", reference,
                 env={"REGISTRY_AUTH_FILE": AUTH, **path})
    contains(result.err, "docker-credential-x/y: not a name")
    assert not os.path.exists("/run/auth-test/started")


def test_login_and_logout():
    registry = FaultyRegistry()
    registry.token, registry.users = "tok.en", {"anna": "pw"}
    reference, _ = registry.add("app:x", image(8))
    write_auth({"auths": {"other.example": entry("o", "p")}, "more": 1})
    result = with_auth("login", "-u", "anna", "--password-stdin", registry.host, input="wrong\n")
    equal(result.status, 1, result)
    equal(with_auth("login", "-u", "anna", "--password-stdin", registry.host, input="pw\n").status, 0)
    with open(AUTH, encoding="utf-8") as file:
        kept = json.load(file)
    equal(kept["auths"], {"other.example": entry("o", "p"), registry.host: entry("anna", "pw")})
    equal(kept["more"], 1)
    equal(os.stat(AUTH).st_mode & 0o777, 0o600)
    pulled(reference)
    equal(with_auth("logout", registry.host).status, 0)
    equal(with_auth("logout", registry.host).status, 1)
    registry.add("app:y", image(9))
    equal(with_auth("pull", f"{registry.host}/app:y").status, 1)


def test_logout_with_a_credential_helper():
    os.makedirs("/run/auth-test/bin", exist_ok=True)
    with open("/run/auth-test/bin/docker-credential-keys", "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nread -r server\n[ -e "/run/auth-test/$1-$server" ] && exit 0\n'
                   'echo "credentials not found in native keychain"\nexit 1\n')
        os.fchmod(file.fileno(), 0o755)
    environment = {"PATH": f"/run/auth-test/bin:{os.environ['PATH']}", "HOME": "/run/auth-test"}
    write_auth({"credsStore": "keys"})
    result = with_auth("logout", "keys.example", env=environment)
    equal(result.status, 1, result)
    contains(result.err, "there are no credentials for keys.example")
    # Credentials in a later file are removed as well, as without a helper.
    later = "/run/auth-test/.docker/config.json"
    os.makedirs(os.path.dirname(later), exist_ok=True)
    with open(later, "w", encoding="utf-8") as file:
        json.dump({"auths": {"keys.example": entry("anna", "pw")}}, file)
    result = with_auth("logout", "keys.example", env=environment)
    equal(result.status, 0, result)
    with open(later, encoding="utf-8") as file:
        equal(json.load(file)["auths"], {})
    with open("/run/auth-test/erase-keys.example", "w", encoding="utf-8"):
        pass
    equal(with_auth("logout", "keys.example", env=environment).status, 0)


STORE = """#!/usr/bin/python3
import json, os, sys
words, path = sys.stdin.read(), "/run/auth-test/store.json"
kept = json.load(open(path)) if os.path.exists(path) else {}
with open("/run/auth-test/asked", "a") as log:
    print(sys.argv[1], words if sys.argv[1] != "store" else json.loads(words)["ServerURL"], file=log)
if sys.argv[1] == "store":
    given = json.loads(words)
    kept[given["ServerURL"]] = given
elif words not in kept:
    sys.exit(print("credentials not found in native keychain") or 1)
elif sys.argv[1] == "get":
    print(json.dumps(kept[words]))
else:
    del kept[words]
with open(path, "w") as file:
    json.dump(kept, file)
"""


def helper(name, text):
    """Makes a credential helper, and returns the environment in which it is found."""
    os.makedirs("/run/auth-test/bin", exist_ok=True)
    with open(f"/run/auth-test/bin/docker-credential-{name}", "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o755)
    return {"PATH": f"/run/auth-test/bin:{os.environ['PATH']}", "HOME": "/run/auth-test"}


def kept_by_helper(*changed):
    """Replaces what the helper has kept, if changed is given; returns that."""
    path = pathlib.Path("/run/auth-test/store.json")
    if changed:
        path.write_text(json.dumps({key: {"ServerURL": key, "Username": "anna", "Secret": "pw"} for key in changed[0]}), encoding="utf-8")
    return sorted(json.loads(path.read_text(encoding="utf-8")))


def asked_of_helper():
    """Returns the calls of the helper since the last time."""
    path = pathlib.Path("/run/auth-test/asked")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def test_docker_hub_has_docker_s_key_in_a_helper():
    """docker stores the credentials for Docker Hub under an old URL. What an older dist has stored under the plain name is
    found, too, and logout erases both."""
    environment = helper("store", STORE)
    url = "https://index.docker.io/v1/"
    write_auth({"credsStore": "store"})
    for kept, asked in (({url}, [f"get {url}"]), ({"docker.io"}, [f"get {url}", "get docker.io"])):
        kept_by_helper(kept)
        asked_of_helper()
        # The machine cannot reach Docker Hub; the helper is asked before.
        with_auth("resolve", "redis", env=environment)
        equal(asked_of_helper(), asked)
    kept_by_helper({url, "docker.io", "other.example"})
    equal(with_auth("logout", env=environment).status, 0)
    equal(kept_by_helper(), ["other.example"])
    contains(with_auth("logout", "docker.io", env=environment).err, "there are no credentials for docker.io")
    # Entries that docker has written into the file itself.
    write_auth({"auths": {url: entry("a", "b"), "other.example": entry("c", "d")}})
    equal(with_auth("logout", "docker.io", env=environment).status, 0)
    equal(json.loads(pathlib.Path(AUTH).read_text(encoding="utf-8"))["auths"], {"other.example": entry("c", "d")})


def test_login_to_a_part_of_a_registry_with_a_helper():
    """An empty entry in the file, as docker writes them, says that the helper has credentials for it."""
    registry = FaultyRegistry()
    registry.token, registry.users = "tok.en", {"anna": "pw"}
    reference, _ = registry.add("team/app:x", image(31))
    environment = helper("store", STORE)
    for settings in ({"credsStore": "store"}, {"credHelpers": {registry.host: "store"}}):
        kept_by_helper({})
        write_auth(settings)
        part = f"{registry.host}/team"
        result = with_auth("login", "-u", "anna", "--password-stdin", part, input="pw\n", env=environment)
        equal(result.status, 0, result)
        equal(kept_by_helper(), [part])
        pulled(reference, env=environment)
        good("rmi", reference)
        equal(with_auth("logout", part, env=environment).status, 0)
        equal(kept_by_helper(), [])
        equal(json.loads(pathlib.Path(AUTH).read_text(encoding="utf-8")), {**settings, "auths": {}})
        equal(with_auth("pull", reference, env=environment).status, 1)


def test_the_key_that_the_file_names_a_helper_under_is_the_one_that_login_stores():
    registry = FaultyRegistry()
    registry.token, registry.users = "tok.en", {"anna": "pw"}
    environment = helper("store", STORE)
    kept_by_helper({})
    url = f"https://{registry.host}/v1/"
    write_auth({"credHelpers": {url: "store"}})
    equal(with_auth("login", "-u", "anna", "--password-stdin", registry.host, input="pw\n", env=environment).status, 0)
    equal(kept_by_helper(), [url])


def test_the_stored_user_name_is_printed():
    """As by podman login --get-login; nothing is asked of the registry."""
    environment = helper("store", STORE)
    kept_by_helper({"helped.example"})
    write_auth({"auths": {"plain.example": entry("bob", "pw"), "plain.example/team": entry("eve", "pw"), "token.example": {"identitytoken": "t"}},
                "credHelpers": {"helped.example": "store", "absent.example": "store"}})
    for registry, user in (("plain.example", "bob"), ("plain.example/team", "eve"), ("helped.example", "anna"), ("token.example", "<token>")):
        result = with_auth("login", "--get-login", registry, env=environment)
        equal((result.status, result.out), (0, f"{user}\n"), result)
    for words in (("absent.example",), ("other.example",), ()):
        result = with_auth("login", "--get-login", *words, env=environment)
        equal((result.status, result.err), (1, f"dist: there are no credentials for {words[0] if words else 'docker.io'}\n"))


def test_a_helper_that_fails_is_named():
    """With the file that names it. Only "credentials not found" means that there are none."""
    registry = FaultyRegistry()
    reference, _ = registry.add("app:x", image(32))
    write_auth({"credsStore": "bad"})
    for script, words in (("exit 3", "failed with status 3"), ("kill -9 $$", "was ended by signal 9"),
                          ("echo the vault is locked; exit 1", "failed: the vault is locked"),
                          ("echo gpg not found; exit 1", "failed: gpg not found"),
                          ("echo garbage", "docker-credential-bad: not JSON"), ("true", "docker-credential-bad: not JSON"),
                          ("head -c 9000000 /dev/zero", "docker-credential-bad: more than the limit")):
        environment = helper("bad", f"#!/bin/sh\n{script}\n")
        result = with_auth("pull", reference, env=environment)
        equal(result.status, 1, script)
        contains(result.err, f"{AUTH}: ")
        contains(result.err, "docker-credential-bad")
        contains(result.err, words)
    environment = helper("bad", "#!/bin/sh\necho '{\"Username\":\"\",\"Secret\":\"\"}'\n")
    pulled(reference, env=environment)


INTERFACES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "introspection")


def members_with(option):
    """Returns the members whose description in introspection/ lists an option. A member of Image has the same options
    as the member of Images with the same name."""
    texts = {name: pathlib.Path(INTERFACES, f"org.berth1.{name}.xml").read_text(encoding="utf-8") for name in ("Images", "Image", "Contents")}
    found = {(name, member) for name, text in texts.items()
             for comment, member in re.findall(r'<!--((?:(?!-->).)*)-->\s*<method name="(\w+)"', text, re.DOTALL)
             if re.search(rf"- {option}[:,]", comment)}
    found |= {("Image", member) for name, member in found if name == "Images" and f'<method name="{member}"' in texts["Image"]}
    return {".".join(pair) for pair in found}


def calls_of_registries(reference, layer):
    """Returns a call of each member that contacts a registry: path, types, and arguments without options."""
    host = reference.split("/")[0]
    collections = {kind: f"/org/berth1/{kind.lower()}" for kind in ("Images", "Contents")}
    own = {"Image": f"/org/berth1/images/{bus_label(reference)}"}
    table = {"Images.Resolve": ("s", f"'{reference}'"), "Images.Fetch": ("s", f"'{reference}'"), "Images.Pull": ("s", f"'{reference}'"),
             "Images.Authenticate": ("s", f"'{host}'"), "Images.Search": ("ss", f"'{host}', 'app'"),
             "Images.Push": ("ss", f"'{reference}', '{reference}'"), "Images.Verify": ("s", f"'{reference}'"),
             "Image.Push": ("s", f"'{reference}'"), "Image.Verify": ("", ""),
             "Contents.FetchObject": ("ss", f"'{reference}', ''"), "Contents.PushObject": ("ss", f"'{layer}', '{reference}'")}
    return {key: ({**collections, **own}[key.split(".")[0]], *value) for key, value in table.items()}


def shown_to_registry(caller, key, call_of_it, options):
    """Makes a call, waits for its transfer, and returns the authorizations that the registry received."""
    path, types, arguments = call_of_it
    interface, member = key.split(".")
    OWN.authorizations.clear()
    text = f"({arguments}, {options})" if arguments else f"({options},)"
    reply = caller.call(path, f"org.berth1.{interface}", member, text, f"({types}a{{sv}})")
    assert reply.get("error", "org.").startswith("org."), (key, reply)
    transfer = re.search(r"'(/org/berth1/transfers/\d+)'", reply.get("value", ""))
    if transfer:
        caller.call(transfer[1], "org.berth1.Transfer", "Wait", "(@a{sv} {},)", "(a{sv})")
    return [one for one in OWN.authorizations if one]


def use_own_credentials(reference, layer):
    """Checks for each member which polkit rules let alice use the service's own credentials. None does with
    Insecure."""
    calls = calls_of_registries(reference, layer)
    equal(set(calls), members_with("Insecure b"))
    none, insecure = "@a{sv} {}", "{'Insecure': <true>}"
    # Conditions that do not name the service's credentials, then conditions that do.
    cases = [(condition, none, False) for condition in
             ("true", f'(action.lookup("reference") || action.lookup("image")).indexOf("{OWN.host}") == 0',
              'action.lookup("credentials") != undefined', 'action.lookup("credentials") != "service"')]
    cases += [(condition, none, True) for condition in
              ('action.lookup("credentials") == "service"', '[undefined, "service"].indexOf(action.lookup("credentials")) >= 0')]
    # No rule grants the credentials for an unprotected connection.
    cases.append(('action.lookup("insecure") == "yes" || action.lookup("credentials") == "service"', insecure, False))
    equal(run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "/etc/berth/own.key").status, 0)
    equal(run("openssl", "pkey", "-in", "/etc/berth/own.key", "-pubout", "-out", "/etc/berth/own.pub").status, 0)
    # Verify contacts the registry only if a policy requires a signature.
    configure(f"[Policy {OWN.host}]\nRequire=signed\nKey=/etc/berth/own.pub\n")
    alice, root = Caller("alice"), Caller()
    problems = []
    for condition, options, given in cases:
        polkit_rule("""polkit.addRule(function(action, subject) {
            if (subject.user != "alice" || action.id.indexOf("org.berth1.") != 0)
                return undefined;
            return action.id == "org.berth1.contents.read" || (%s) ? polkit.Result.YES : polkit.Result.NO;
        });""" % condition)
        for key, call_of_it in calls.items():
            if bool(shown_to_registry(alice, key, call_of_it, options)) != given:
                problems.append((key, condition, options))
    for options, given in ((none, True), (insecure, False)):
        problems += [(key, "root", options) for key, call_of_it in calls.items()
                     if bool(shown_to_registry(root, key, call_of_it, options)) != given]
    equal(problems, [])
    alice.end()
    root.end()
    configure("")
    os.unlink("/etc/polkit-1/rules.d/00-berth-test.rules")


def go_on_with_own_credentials():
    """Checks that a pull to which a rule granted the service's credentials still has them after a restart."""
    image_of_two = image(91)
    reference, _ = OWN.add("resumed:x", image_of_two)
    layer = image_of_two.manifest["layers"][-1]["digest"]
    gate = OWN.stall[layer] = threading.Event()
    allow("alice", 'action.id == "org.berth1.images.pull" && action.lookup("credentials") == "service"')
    OWN.requests.clear()
    started = images_call("Pull", "sa{sv}", reference, "0", user="alice")
    equal(started.status, 0, started)
    wait_until(lambda: any(layer in path for _, path, _ in OWN.requests), "the layer")
    kill_service()
    del OWN.stall[layer]
    gate.set()
    wait_until(lambda: reference in [row["name"] for row in listing("images")], "the pull")
    good("rmi", reference)
    os.unlink("/etc/polkit-1/rules.d/00-berth-test.rules")


def test_the_service_has_credentials_of_its_own():
    registry = FaultyRegistry()
    registry.basic = "unit:file"
    content = image(10)
    reference, _ = registry.add("app:x", content)
    os.makedirs("/etc/berth", exist_ok=True)
    with open("/etc/berth/registries.json", "w", encoding="utf-8") as file:
        json.dump({"auths": {registry.host: entry("unit", "file")}}, file)
        os.fchmod(file.fileno(), 0o600)
    write_auth({})
    with service_settings("LoadCredential=berth.registries:/etc/berth/registries.json\n"):
        pulled(reference)
        # Only root, and users to whom a rule grants them by name, may use the service's credentials, and never over an
        # unprotected connection.
        polkit_rule('polkit.addRule(function(action) { return "yes"; });')
        registry.authorizations.clear()
        result = dist("resolve", reference, user="alice")
        assert result.status != 0, result
        result = dist("pull", reference, user="alice")
        assert result.status != 0, result
        equal([one for one in registry.authorizations if one], [])
        global OWN  # pylint: disable=global-statement
        OWN = registry
        use_own_credentials(reference, content.manifest["layers"][0]["digest"])
        go_on_with_own_credentials()


def test_secrets_are_in_no_file_and_not_in_the_journal():
    found = run("grep", "-rlE", "se:cret|c2U6Y3JldA|re fresh", "/var/lib/berth").out
    equal(found, "")
    journal = run("journalctl", "-b", "--no-pager", "-o", "export").out
    assert "se:cret" not in journal and "re fresh" not in journal


def holds(pid, word):
    """Returns whether the writable memory of a process contains a word."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            first, last = (int(number, 16) for number in line.split()[0].split("-"))
            if " rw" not in line or "[v" in line:
                continue
            memory.seek(first)
            rest = last - first
            before = b""
            while rest:
                part = memory.read(min(rest, 1 << 20))
                if not part:
                    break
                if word in before + part:
                    return True
                before, rest = part[-len(word):], rest - len(part)
    return False


def test_credentials_are_forgotten_after_use():
    registry = FaultyRegistry()
    password = "remembered-by-nobody"
    registry.basic = f"anna:{password}"
    reference, _ = registry.add("app:x", image(31))
    good("images", "-q")
    pid = run("systemctl", "show", "-P", "MainPID", "berthd.service").out.strip()
    relay = run("pgrep", "-P", pid, "berth-relay").out.strip()

    def given(secret):
        return ("Credentials", "a{ss}", "2", "Username", "anna", "Password", secret)

    for member in ("Resolve", "Pull"):
        result = images_call(member, "sa{sv}", reference, "1", *given(password))
        equal(result.status, 0, result)
    write_auth({"auths": {registry.host: entry("anna", password)}})
    pulled(reference)
    # Calls with an unknown option, from a user without permission, with an invalid reference, and with the wrong type.
    images_call("Resolve", "sa{sv}", reference, "2", *given(password), "Nonsense", "b", "1")
    images_call("Resolve", "sa{sv}", reference, "2", "Nonsense", "b", "1", *given(password))
    images_call("Resolve", "sa{sv}", reference, "1", *given(password), user="alice")
    images_call("Resolve", "sa{sv}", "nonsense", "1", *given(password))
    images_call("Resolve", "sa{ss}", reference, "1", "Password", password)
    # A buffer that grows leaves a copy behind, at sizes that depend on what is in it.
    for length in range(0, 2000, 40):
        images_call("Resolve", "sa{sv}", reference, "1", *given(password + length * "x"))
    assert [one for one in registry.authorizations if one]
    assert holds(pid, b"org.berth1.Images") and holds(relay, b"berth-relay")
    # The service frees a call after the reply, which the client may see first.
    # A process may also unmap memory that is just being read.
    def forgotten(process):
        try:
            return not holds(process, password.encode())
        except OSError:
            return False
    wait_until(lambda: forgotten(pid), "the memory without the password")
    wait_until(lambda: forgotten(relay), "the memory of berth-relay without the password")


def test_authorization_stays_with_its_host():
    first, second = FaultyRegistry(), FaultyRegistry()
    first.basic = "anna:pw"
    content = image(11)
    reference, _ = first.add("app:x", content)
    second.add("app:x", content)
    layer = content.manifest["layers"][0]["digest"]
    first.redirect[layer] = f"http://{second.host}/v2/app/blobs/{layer}"
    write_auth({"auths": {first.host: entry("anna", "pw")}})
    pulled(reference)
    equal([path for _, path, _ in second.requests], [f"/v2/app/blobs/{layer}"])
    equal(second.authorizations, [None])
    # Nor does the other host choose who receives them.
    good("rmi", reference)
    good("prune")
    second.hook = lambda handler, url, with_body: not second.fail(
        handler, 401, "who are you?", with_body, {"WWW-Authenticate": f'Bearer realm="http://{second.host}/token"'})
    result = with_auth("pull", reference)
    equal(result.status, 1)
    contains(result.err, "401")
    equal([path for _, path, _ in second.requests if "/token" in path], [])
    # Names of files in a URL are not always escaped.
    second.hook = lambda handler, url, with_body: url.startswith("/my%20store/") and not second.send(
        handler, 200, content.blobs[layer], {}, with_body)
    first.redirect[layer] = f"http://{second.host}/my store/{layer}"
    pulled(reference)


def test_redirects_one_after_another():
    registry = FaultyRegistry()
    content = image(12)
    reference, _ = registry.add("app:x", content)
    layer = content.manifest["layers"][0]["digest"]

    def hook(handler, url, with_body):
        hop = int(url.split("/")[1]) if url[1].isdigit() else 0
        if not url.endswith(layer):
            return False
        if hop == 8:
            registry.send(handler, 200, content.blobs[layer], {}, with_body)
        else:
            registry.send(handler, (301, 302, 303, 307, 308)[hop % 5], b"gone", {"Location": f"/{hop + 1}/{layer}"}, with_body)
        return True

    registry.hook = hook
    pulled(reference)


def test_redirects_without_end():
    registry = FaultyRegistry()
    content = image(12)
    reference, _ = registry.add("app:x", content)
    layer = content.manifest["layers"][0]["digest"]
    registry.redirect[layer] = f"http://{registry.host}/v2/app/blobs/{layer}"
    result = with_auth("pull", reference)
    equal(result.status, 1)
    contains(result.err, "redirects more than")


def test_requests_to_an_overloaded_registry_are_repeated():
    registry = FaultyRegistry()
    reference, _ = registry.add("app:x", image(13))
    registry.retry = [(429, 1), (503, None), (429, 0)]
    begin = time.monotonic()
    pulled(reference)
    assert time.monotonic() - begin >= 1
    registry.retry = [(429, 3600)] * 10
    reference, _ = registry.add("app:y", image(14))
    begin = time.monotonic()
    result = with_auth("pull", reference)
    equal(result.status, 1)
    contains(result.err, "429")
    assert time.monotonic() - begin < 120


def test_a_server_that_ignores_range():
    registry = FaultyRegistry()
    content = image(15)
    reference, _ = registry.add("app:x", content)
    registry.cut_once[content.manifest["layers"][0]["digest"]] = 100000
    registry.ignore_range = True
    pulled(reference)


def test_warnings_are_shown_once():
    registry = FaultyRegistry()
    reference, _ = registry.add("app:x", image(16))
    registry.warnings = ["this tag goes away", "this tag", "this tag goes away"]
    result = pulled(reference)
    equal([line for line in result.err.split("\n") if "this tag" in line], ["dist: the registry warns: this tag goes away", "dist: the registry warns: this tag"], result)


def test_mirrors_in_their_order_and_back_to_the_origin():
    origin, first, second = FaultyRegistry(), FaultyRegistry(), FaultyRegistry()
    for registry, path in ((origin, "app"), (second, "cache/app")):
        registry.add(f"{path}:x", image(17))
    configure(f"[Registry {origin.host}]\nMirror={first.host};{second.host}/cache\n")
    pulled(f"{origin.host}/app:x")
    assert first.requests and second.requests
    equal([path for _, path, _ in origin.requests], [])
    # The second mirror has only a part of the layer, and the origin has all of it.
    content = image(18)
    second.add("cache/app:y", content)
    origin.add("app:y", content)
    layer = content.manifest["layers"][0]["digest"]
    second.blobs[layer] = content.blobs[layer][:1000]
    second.cut_always[layer] = 1000
    pulled(f"{origin.host}/app:y")
    contains(str(origin.requests), layer)
    equal(good("images", "-q").count(origin.host), 2)


def test_registries_that_are_replaced_or_blocked():
    registry = FaultyRegistry()
    registry.add("new/app:x", image(19))
    configure(f"[Registry old.example.com]\nLocation={registry.host}/new\n"
              "[Registry evil.example.com]\nBlocked=yes\n")
    pulled("old.example.com/app:x")
    result = with_auth("pull", "evil.example.com/app:x")
    equal(result.status, 1)
    contains(result.err, "evil.example.com is blocked")


def test_a_registry_by_its_ipv6_address():
    registry = FaultyRegistry("::1")
    reference, _ = registry.add("six/app:x", image(21))
    contains(reference, "[::1]:")
    pulled(reference)
    contains(good("images", "-q"), reference)
    good("rmi", reference)


def test_insecure_by_configuration():
    # Hosts other than this machine are contacted by HTTPS only, unless the configuration says otherwise.
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("127.0.0.1 plain.test\n")
    registry = FaultyRegistry()
    registry.add("app:x", image(22))
    place = f"plain.test:{registry.host.split(':')[1]}"
    configure("")
    equal(with_auth("pull", f"{place}/app:x").status, 1)
    configure(f"[Registry {place}]\nInsecure=yes\n")
    pulled(f"{place}/app:x")
    good("rmi", f"{place}/app:x")
    configure("")
    index = json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(b"x"), "size": 1,
         "platform": {"os": "linux", "architecture": "arm64"}}]}).encode()
    for key in ("index", oci.digest_of(index)):
        registry.manifests[("app", key)] = (oci.OCI_INDEX, index)
    found = json.loads(good("resolve", "--insecure", "--json=short", f"{place}/app:index"))
    equal([row["platform"] for row in found[0]["platforms"]], ["linux/arm64"])


class Proxy:
    """A proxy that forwards plain HTTP requests for any host to one registry, and answers CONNECT with an error."""

    def __init__(self, registry):
        self.asked = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                proxy.asked.append(self.path)
                url = urllib.parse.urlsplit(self.path)
                connection = http.client.HTTPConnection(registry.host)
                connection.request(self.command, url.path, headers=dict(self.headers))
                answer = connection.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET

            def do_CONNECT(self):
                proxy.asked.append(self.path)
                self.send_error(503, "the proxy leads nowhere")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def test_proxies_of_the_configuration_and_of_the_unit():
    registry = FaultyRegistry()
    registry.add("app:x", image(23))
    proxy = Proxy(registry)
    # Only the proxy knows the host far.invalid.
    configure(f"[Transfer]\nProxy={proxy.url}\n[Registry far.invalid]\nInsecure=yes\n")
    result = with_auth("pull", "far.invalid/app:x")
    equal(result.status, 0, result)
    # HTTPS is tried first; as the proxy refuses CONNECT, plain HTTP is used, which Insecure= allows.
    contains(str(proxy.asked), "http://far.invalid/v2/app/blobs/")
    good("rmi", "far.invalid/app:x")
    proxy.asked.clear()
    configure(f"[Transfer]\nProxy={proxy.url}\nNoProxy=127.0.0.1\n")
    pulled(f"{registry.host}/app:x")
    equal(proxy.asked, [])
    configure("")
    with service_settings(f"Environment=https_proxy={proxy.url}\n"):
        result = with_auth("pull", "far.invalid/app:x")
        equal(result.status, 1)
        contains(str(proxy.asked), "far.invalid:443")


def test_wrong_configuration_is_named_and_does_no_harm():
    registry = FaultyRegistry()
    registry.add("app:x", image(20))
    configure("[Transfer]\nParallelLayers=many\nColour=red\nnonsense\n"
              f"[Registry moved.example.com]\nLocation={registry.host}\n[Rubbish]\nx=1\n")
    pulled("moved.example.com/app:x")
    for line, word in ((2, "ParallelLayers="), (3, "Colour="), (4, "KEY=VALUE"), (7, "Rubbish")):
        for text in (f"{CONFIGURATION}:{line}: ", word):
            wait_until(lambda: text in run("journalctl", "-b", "--no-pager", "-u", "berthd").out, text)  # pylint: disable=cell-var-from-loop
    configure("")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
