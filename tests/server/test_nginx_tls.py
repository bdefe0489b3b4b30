"""The shipped nginx configuration with tls.conf and a certificate."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.certificates import make_certificate
from tests.support.nginx import Nginx
from tests.support.postgres import free_port

pytestmark = pytest.mark.needs_nginx
HSTS = "Strict-Transport-Security"


class Echo(BaseHTTPRequestHandler):
    """Answers each request with the headers that it had."""

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def nginx(certificate: tuple[Path, Path]) -> Iterator[Nginx]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as upstream:
        threading.Thread(target=upstream.serve_forever).start()
        nginx = Nginx(upstream.server_port, free_port(), certificate)
        yield nginx
        nginx.stop()
        upstream.shutdown()


def plain(nginx: Nginx, method: str, path: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=60)
    connection.request(method, path, headers={"Host": "interviews.example.com"})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def encrypted(nginx: Nginx, certificate: tuple[Path, Path], path: str) -> tuple[http.client.HTTPResponse, bytes]:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    connection = http.client.HTTPSConnection("localhost", nginx.tls_port, timeout=60, context=context)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_https_reaches_the_api_with_hsts(nginx: Nginx, certificate: tuple[Path, Path]) -> None:
    response, body = encrypted(nginx, certificate, "/jobs")
    assert (response.status, json.loads(body)["X-Forwarded-Proto"]) == (200, "https")
    assert response.headers.get_all(HSTS) == ["max-age=31536000"]
    response, body = encrypted(nginx, certificate, "/metrics")
    assert (response.status, json.loads(body)["message"]) == (404, "Not Found")
    assert response.headers[HSTS] == "max-age=31536000"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/jobs?limit=1", "/", "/candidate/interviews/updates", "/metrics", "/a:b/%20on:"])
def test_plain_reads_are_redirected(nginx: Nginx, method: str, path: str) -> None:
    response, _ = plain(nginx, method, path)
    assert (response.status, response.headers["Location"]) == (301, f"https://interviews.example.com{path}")
    assert response.headers[HSTS] is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "ANY"])
def test_plain_changes_are_refused(nginx: Nginx, method: str) -> None:
    response, body = plain(nginx, method, "/auth/login")
    assert json.loads(body) == {"statusCode": 403, "message": "Use https", "error": "Forbidden"}
    assert (response.status, response.headers[HSTS], len(response.headers["X-Request-Id"])) == (403, None, 32)


def test_plain_nonsense_keeps_the_error_shape(nginx: Nginx) -> None:
    for raw, status in ((b"NONSENSE\r\n\r\n", 400),
                        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 414),
                        (b"GET /_refusals/400 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404)):  # fmt: skip
        answer = nginx.say(raw)
        assert (answer[0], answer[1]["statusCode"]) == (status, status)


def test_plain_request_to_the_https_port_is_a_400(nginx: Nginx) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.tls_port, timeout=60)
    connection.request("GET", "/jobs")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["statusCode"]) == (400, 400)
    connection.close()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_protocols_are_refused(nginx: Nginx, certificate: tuple[Path, Path]) -> None:
    versions = {}
    for version in (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=str(certificate[0]))
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # lets the client offer the old version
        context.minimum_version = context.maximum_version = version
        connection = http.client.HTTPSConnection("localhost", nginx.tls_port, timeout=60, context=context)
        try:
            connection.connect()
            versions[version.name] = True
        except ssl.SSLError as error:
            versions[version.name] = "PROTOCOL_VERSION" not in str(error)
        finally:
            connection.close()
    assert versions == {"TLSv1_1": False, "TLSv1_2": True, "TLSv1_3": True}
