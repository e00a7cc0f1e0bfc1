"""One change to the shipped files of nginx at a time gives the code of what it breaks, and nothing else."""

import shutil
from pathlib import Path

import pytest
from framework.loader import load_modules
from host.deployment.nginx import examine

CLONE = Path(__file__).parents[3]
MODULES = tuple(load_modules(None))
SERVER, PROXY, API, KEYED, NAMES = "seamark.conf", "proxy.conf", "api.conf", "keyed.conf", "names.conf"
SITE, TLS, BUILD, FILES, PROXIES = "site.conf", "tls.conf", "build.conf", "files.conf", "proxies.conf"
FOR = "X-Forwarded-For $remote_addr;"
MUTATIONS = {
    "gives up before the application": (PROXY, "proxy_read_timeout 40s", "proxy_read_timeout 30s", {"SM050"}),
    "as long as the slowest route": (PROXY, "proxy_read_timeout 40s", "proxy_read_timeout 35s", {"SM050"}),
    "nginx' own time": (PROXY, "proxy_connect_timeout 2s;\n", "", {"SM050"}),
    "connects for a minute": (PROXY, "proxy_connect_timeout 2s", "proxy_connect_timeout 1m", {"SM050"}),
    "sends for longer than it reads": (PROXY, "proxy_send_timeout 15s", "proxy_send_timeout 2m", {"SM050"}),
    "keeps connections longer": (SERVER, "keepalive_timeout 4s", "keepalive_timeout 5s", {"SM050"}),
    "keeps connections for a minute": (SERVER, "    keepalive_timeout 4s;\n", "", {"SM050"}),
    "four gigabytes": (SERVER, "client_max_body_size 1m", "client_max_body_size 4G", {"SM051"}),
    "no limit of bodies": (SERVER, "client_max_body_size 1m", "client_max_body_size 0", {"SM051"}),
    "less than the application": (SERVER, "client_max_body_size 1m", "client_max_body_size 512k", {"SM051"}),
    "uploads like everything else": (SERVER, "location = /api/contacts/imports", "location = /api/contacts/exports", {"SM051"}),
    "uploads with a key smaller": (SERVER, "        include seamark/keyed.conf;\n        client_max_body_size 100m;", "        include seamark/keyed.conf;", {"SM051"}),
    "adds to what the client wrote": (PROXY, FOR, "X-Forwarded-For $proxy_add_x_forwarded_for;", {"SM055"}),
    "passes on what the client wrote": (PROXY, FOR, "X-Forwarded-For $http_x_forwarded_for;", {"SM055"}),
    "says no address": (PROXY, f"proxy_set_header {FOR}\n", "", {"SM055"}),
    "says no scheme": (PROXY, "proxy_set_header X-Forwarded-Proto $seamark_scheme;\n", "", {"SM055"}),
    "believes anybody's scheme": (NAMES, 'map "$remote_addr $realip_remote_addr $http_x_forwarded_proto"', 'map "$http_x_forwarded_proto"', {"SM055"}),
    "another header of the client's": (PROXY, "X-Real-IP $remote_addr", "X-Real-IP $http_x_real_ip", {"SM055"}),
    "a location with a header of its own": (SERVER, "    location / {\n", "    location / {\n        proxy_set_header Host $host;\n", {"SM055", "SM068"}),
    "anybody is a proxy": (PROXIES, "real_ip_recursive on;", "real_ip_recursive on;\nset_real_ip_from 0.0.0.0/0;", {"SM055"}),
    "repeats everything": (PROXY, "error timeout invalid_header", "error timeout non_idempotent", {"SM061"}),
    "repeats without a key": (API, "if ($http_idempotency_key)", "if ($http_x_retry)", {"SM061"}),
    "no TLS": ("listen-1.22.conf", " ssl http2", "", {"SM062"}),
    "http beside https": (SITE, "server_name", "listen 80;\nserver_name", {"SM062"}),
    "TLS 1.0": (TLS, "ssl_protocols TLSv1.2", "ssl_protocols TLSv1 TLSv1.2", {"SM062"}),
    "the protocols of old": (TLS, "ssl_protocols TLSv1.2 TLSv1.3;\n", "", {"SM062"}),
    "no certificate": (SITE, "ssl_certificate /etc/nginx/seamark-tls/fullchain.pem;\n", "", {"SM062"}),
    "a folder twice": (FILES, "root /srv/seamark;", "root /srv/seamark/build;", {"SM064"}),
    "the folder of the clone": (FILES, "root /srv/seamark;", "root /srv/seamark/host/client_app/dist;", {"SM064"}),
    "an alias beside the folder": (BUILD, "location /build/ {\n    include seamark/files.conf;", "location /build {\n    alias /srv/seamark/build/;", {"SM064"}),
    "hashed files asked for again": (BUILD, '"public, max-age=31536000, immutable"', "no-cache", {"SM064"}),
    "changing files for ever": (BUILD, "Cache-Control no-cache", 'Cache-Control "max-age=31536000, immutable"', {"SM064"}),
    "HTTP/2 of later versions": ("listen-1.22.conf", "listen 443 ssl http2;", "listen 443 ssl;\nhttp2 on;", {"SM065"}),
    "HTTP/2 of earlier versions": ("listen-1.25.conf", "listen 443 ssl;", "listen 443 ssl http2;", {"SM065"}),
    "TLS as it was switched on": (TLS, "ssl_prefer_server_ciphers off;", "ssl on;", {"SM065"}),
    "counts by the address": (NAMES, "limit_req_zone $seamark_client", "limit_req_zone $binary_remote_addr", {"SM067"}),
    "counts by what a client writes": (NAMES, "limit_req_zone $seamark_client", "limit_req_zone $http_x_user_id", {"SM067"}),
    "refuses by 503": (NAMES, "limit_req_status 429;\n", "", {"SM067"}),
    "refuses by a page": (API, "error_page 413 429 502", "error_page 413 502", {"SM067"}),
    "refuses without a time": ("problem.conf", "add_header Retry-After $seamark_retry_after always;\n", "", {"SM067"}),
    "upgrade always": (PROXY, "Connection $seamark_connection", 'Connection "upgrade"', {"SM068"}),
    "upgrade never": (PROXY, "proxy_set_header Upgrade $http_upgrade;\n", "", {"SM068"}),
    "ends each connection": (NAMES, '    "" "";\n}\n\n# The problem', '    "" close;\n}\n\n# The problem', {"SM068"}),
    "HTTP/1.0": (PROXY, "proxy_http_version 1.1;\n", "", {"SM068"}),
    "slow readers hold processes": (PROXY, "proxy_buffering on", "proxy_buffering off", {"SM068"}),
    "streams held back": (PROXY, "proxy_redirect off;", "proxy_ignore_headers X-Accel-Buffering;", {"SM068"}),
    "a brace too few": (SERVER, "server {", "server ", {"SM069"}),
    "a file that is not there": (SERVER, "include seamark/names.conf", "include seamark/name.conf", {"SM055", "SM067", "SM068", "SM069"}),
    "a directive in the wrong place": (SITE, "server_name", "upstream other;\nserver_name", {"SM069"}),
    "a word too many": (PROXY, "proxy_buffering on", "proxy_buffering on off", {"SM069"}),
}  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(CLONE / "deploy" / "nginx", tmp_path / "deploy" / "nginx")
    return tmp_path


def codes(clone: Path) -> set[str]:
    return {finding.code for finding in examine(clone, MODULES)}


def test_what_is_shipped_is_as_it_should_be(clone: Path) -> None:
    assert list(examine(clone, MODULES)) == []


@pytest.mark.parametrize(("name", "old", "new", "expected"), MUTATIONS.values(), ids=MUTATIONS)
def test_a_change_gives_its_code(clone: Path, name: str, old: str, new: str, expected: set[str]) -> None:
    path = clone / "deploy" / "nginx" / name
    text = path.read_text()
    assert old in text, "the files have changed: change this, too"
    path.write_text(text.replace(old, new, 1))
    assert codes(clone) == expected


def test_where_there_are_no_such_files_nothing_is_found(tmp_path: Path) -> None:
    assert list(examine(tmp_path, MODULES)) == []


def test_http_is_for_a_proxy_that_is_named(clone: Path) -> None:
    folder = clone / "deploy" / "nginx"
    (folder / "site.http.conf").replace(folder / "site.conf")
    (folder / "redirect.conf").write_text("")
    assert codes(clone) == {"SM062"}
    with (folder / "proxies.conf").open("a") as proxies:
        proxies.write("set_real_ip_from 10.0.0.0/24;\n")
    assert codes(clone) == set()


def test_a_file_beside_an_nginx_conf_stands_for_the_shipped_one(clone: Path) -> None:
    own = clone / "deploy" / "own"
    own.mkdir()
    (own / "nginx.conf").write_text("events {}\nhttp { include seamark/seamark.conf; }\n")
    assert codes(clone) == set()
    (own / "site.conf").write_text("listen 8443 ssl;\ninclude seamark/tls.conf;\n")
    assert [finding.message for finding in examine(clone, MODULES)] == [
        "deploy/nginx/seamark.conf:18: has no certificate for TLS"
    ]


AROUND = """
events {}
http {
    %s
    upstream app { server 127.0.0.1:8000; keepalive 16; keepalive_timeout 3s; }
    server {
        listen 443 ssl;
        ssl_certificate a.pem;
        ssl_certificate_key a.key;
        ssl_protocols TLSv1.3;
        proxy_connect_timeout 1s;
        proxy_send_timeout 5s;
        proxy_read_timeout 45s;
        %s
    }
}
"""
MAP = 'map $http_upgrade $handing { default upgrade; "" ""; }'
SOUND = """
            proxy_http_version 1.1;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $handing;
            proxy_pass http://app;
"""
UPLOADS = f"location = /api/contacts/imports {{ client_max_body_size 100m; {SOUND} }}"
# What is written in many a guide, in words of our own.
FAULTY = {
    "none of it": (MAP, f"location / {{ {SOUND} }} {UPLOADS}", set()),
    "four gigabytes for everybody": (MAP, f"client_max_body_size 4G; location / {{ {SOUND} }}", {"SM051"}),
    "the address as the client says": (MAP, f"location / {{ {SOUND} proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} {UPLOADS}", {"SM055"}),
    "an application without a proxy's headers": ("", "location / { proxy_pass http://app; }", {"SM051", "SM055", "SM068"}),
    "buffering off for all": (MAP, f"proxy_buffering off; location / {{ {SOUND} }} {UPLOADS}", {"SM068"}),
    "upgrade in every request": (MAP, f"location / {{ {SOUND} proxy_set_header Connection \"upgrade\"; }} {UPLOADS}", {"SM068"}),
    "a map that closes": (MAP.replace('"" ""', "'' close"), f"location / {{ {SOUND} }} {UPLOADS}", {"SM068"}),
    "kept connections by HTTP/1.0": (MAP, f"location / {{ {SOUND.replace('proxy_http_version 1.1;', '')} }} {UPLOADS}", {"SM068"}),
    "a root that is doubled": (MAP, f"location /static {{ root /home/app/static; }} location / {{ {SOUND} }} {UPLOADS}", {"SM064"}),
    "an alias without its end": (MAP, f"location /static {{ alias /home/app/static/; }} location / {{ {SOUND} }} {UPLOADS}", {"SM064"}),
    "files without the word immutable": (MAP, f"location /build/ {{ alias /home/app/dist/; }} location / {{ {SOUND} }} {UPLOADS}", {"SM064"}),
    "a limit by a header": (f"limit_req_zone $http_x_user_id zone=one:1m rate=5r/s; {MAP}", f"location / {{ limit_req zone=one burst=20 nodelay; {SOUND} }} {UPLOADS}", {"SM067"}),
    "an answer repeated at will": (MAP, f"proxy_next_upstream error timeout non_idempotent; location / {{ {SOUND} }} {UPLOADS}", {"SM061"}),
    "as long as a worker's heartbeat": (MAP, f"location / {{ {SOUND} proxy_read_timeout 20s; }} {UPLOADS}", {"SM050"}),
    "port 80 as well": (MAP, f"listen 80; location / {{ {SOUND} }} {UPLOADS}", {"SM062"}),
}  # fmt: skip


@pytest.mark.parametrize(("http", "server", "expected"), FAULTY.values(), ids=FAULTY)
def test_what_guides_say_is_judged_in_any_nginx_conf(
    tmp_path: Path, http: str, server: str, expected: set[str]
) -> None:
    folder = tmp_path / "deploy" / "edge"
    folder.mkdir(parents=True)
    (folder / "nginx.conf").write_text(AROUND % (http, server))
    assert codes(tmp_path) == expected


def test_a_finding_says_where_and_what_to_write(clone: Path) -> None:
    proxy = clone / "deploy" / "nginx" / "proxy.conf"
    proxy.write_text(proxy.read_text().replace(FOR, "X-Forwarded-For $proxy_add_x_forwarded_for;"))
    (found,) = examine(clone, MODULES)
    assert (
        found.message
        == "deploy/nginx/proxy.conf:9: X-Forwarded-For has what the client wrote: $proxy_add_x_forwarded_for"
    )
    assert "$remote_addr" in found.hint
