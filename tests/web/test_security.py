"""Requests of other pages, other names and without the token are refused; replies have the headers of security."""

import pytest

FOREIGN = {
    "another origin": {"Origin": "http://evil.example"},
    "another port of this machine": {"Origin": "http://127.0.0.1:9999"},
    "a sandboxed page": {"Origin": "null"},
    "an image on another site": {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
    },
    "a page on another port": {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    "a frame": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/models"), ("POST", "/api/jobs"), ("GET", "/openapi.json")])
def test_pages_of_other_sites_are_refused(client, headers, method, path):
    reply = client.request(method, path, headers=headers)
    assert reply.status_code == 403
    assert reply.json()["error"].startswith("The request comes from a page of another site")
    assert "access-control-allow-origin" not in reply.headers


def test_the_own_page_and_programs_may_read(client):
    for headers in ({}, {"Origin": "http://127.0.0.1:8000"}, {"Sec-Fetch-Site": "same-origin"}):
        assert client.get("/api/models", headers=headers).status_code == 200


def test_a_link_opens_the_page_but_nothing_else(client):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/api/models", headers=link).status_code == 403
    assert client.post("/", headers=link).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "10.0.0.7", "a b", ""])
def test_other_hosts_are_refused_on_loopback(client, host):
    reply = client.get("/", headers={"Host": host})
    assert (reply.status_code, "--allow-host" in reply.json()["error"]) == (403, True)


@pytest.mark.parametrize("host", ["localhost:8000", "LOCALHOST", "127.0.0.1:1234", "[::1]:8000", "localhost."])
def test_names_of_loopback_are_accepted(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_a_server_on_all_addresses_takes_addresses_but_no_names(open_client):
    client = open_client(host="0.0.0.0", allowed_hosts=("Music.Example",))
    accepted = {host: client.get("/", headers={"Host": host}).status_code for host in ("10.0.0.7:8000", "[fe80::1]")}
    assert set(accepted.values()) == {200}
    assert client.get("/", headers={"Host": "music.example"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    proxied = {"Host": "127.0.0.1:8000", "Origin": "https://music.example"}
    assert client.get("/api/models", headers=proxied).status_code == 200


TOKEN = "a-token-of-this-test"


def test_the_token_is_required_except_for_the_empty_page(open_client):
    client = open_client(token=TOKEN)
    assert client.get("/").status_code == 200
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Cookie": f"keras_musictag_8000={TOKEN}"},
        {"Cookie": "keras_musictag_8000="},
    ):
        reply = client.get("/api/models", headers=headers)
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer"), headers
    assert client.get("/api/models", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_token_becomes_a_cookie_that_scripts_cannot_read(open_client):
    client = open_client(token=TOKEN)
    assert client.post("/api/session").status_code == 401
    reply = client.post("/api/session", headers={"Authorization": f"Bearer {TOKEN}"})
    assert reply.status_code == 204
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and TOKEN not in cookie
    assert client.get("/api/models").status_code == 200
    client.delete("/api/session")
    assert client.get("/api/models").status_code == 401


def test_every_reply_has_the_headers_of_security(client):
    for path, status in (("/", 200), ("/api/models", 200), ("/api/nothing", 404), ("/static/nothing", 404)):
        reply = client.get(path)
        assert reply.status_code == status
        assert "default-src 'self'" in reply.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
    assert client.get("/api/models").headers["cache-control"] == "no-store"


def test_the_page_allows_its_own_style_by_a_number_used_once(client):
    policies = {client.get("/").headers["content-security-policy"] for _ in range(2)}
    assert len(policies) == 2
    assert all("script-src" not in policy and "'unsafe-inline'" not in policy for policy in policies)


def test_too_many_headers_are_refused(client):
    reply = client.get("/", headers={f"X-{number}": "1" for number in range(120)})
    assert (reply.status_code, "100 at most" in reply.json()["error"]) == (431, True)


def test_paths_do_not_leave_the_static_folder(client):
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404, path


def test_an_unexpected_failure_is_a_sentence_without_details(open_client, caplog):
    client = open_client()

    @client.app.get("/api/broken")
    async def broken():
        raise RuntimeError("a secret of the server")

    reply = client.get("/api/broken")
    assert reply.status_code == 500
    assert reply.json() == {"error": "The server failed on this request (RuntimeError); its log says where."}
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "a secret of the server" in caplog.text
