"""A node daemon on libvirt's test driver, with directories, ports and an administrator's token of its own."""

import http.client
import json
import os
import pathlib
import socket
import ssl
import subprocess
import time

import pytest

START_LIMIT_S = 90
REPO = pathlib.Path(__file__).resolve().parents[2]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the daemon's socket: root needs no log-in there."""

    def __init__(self, path: pathlib.Path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Daemon:
    """What a client needs to know of it."""

    def __init__(self, directory: pathlib.Path):
        self.https_port, self.grpc_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.https_port}"
        self.socket = directory / "node.sock"
        for name in ("state", "data", "run"):
            (directory / name).mkdir()
        shadow = directory / "shadow"
        shadow.write_text("root:*:20000:0:99999:7:::\n")
        options = {
            "hypervisor": "test:///default",
            "https": f"127.0.0.1:{self.https_port}",
            "grpc": f"127.0.0.1:{self.grpc_port}",
            "socket": self.socket,
            "state-dir": directory / "state",
            "data-dir": directory / "data",
            "run-dir": directory / "run",
            "ui-dir": REPO / "host-ui/dist",
            "shadow": shadow,
            "watchdog": directory / "none",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self.log = directory / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program(), *arguments], stdout=log, stderr=log)
        self.wait_until_ready()
        token = self.ask("POST", "/api/v1/tokens", {"name": "python", "role": "admin"})
        self.token_id, self.token = token["id"], token["token"]

    def wait_until_ready(self):
        end = time.monotonic() + START_LIMIT_S
        while True:
            try:
                self.ask("GET", "/readyz")
                return
            except (OSError, AssertionError) as problem:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"not ready: {problem}\n{self.log.read_text()}") from problem
                time.sleep(0.1)

    def ask(self, method: str, path: str, body=None):
        """The answer's JSON; anything but 2xx fails the test."""
        connection = UnixConnection(self.socket)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {text}"
        return json.loads(text) if text else None

    def certificate(self) -> bytes:
        """What it shows to whoever connects, PEM."""
        return ssl.get_server_certificate(("127.0.0.1", self.https_port)).encode()

    def stop(self):
        """Fails when it has ended before."""
        ended = self.process.poll()
        self.process.terminate()
        self.process.wait(30)
        assert ended is None, f"the daemon ended with {ended}:\n{self.log.read_text()[-4000:]}"


def program() -> str:
    """The one in QX_NODE, or what `cargo build` made."""
    return os.environ.get("QX_NODE") or str(REPO / "target/debug/qx-node")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def daemon(tmp_path):
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.stop()
