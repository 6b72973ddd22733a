"""A client of the token door, with nothing but Python's standard library.

    door.py http://127.0.0.1:8081 NAME     the client's secret is in the environment, as DOOR_SECRET
    door.py /run/onetoken/tokens.sock NAME the kernel says who this is

It gets the token, has the issuer revoke it (REVOKE is where), says that it was refused, gets the next one,
and prints all as JSON.
"""
import http.client
import json
import os
import socket
import sys
import urllib.error
import urllib.request


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def by_http(base):
    headers = {"Authorization": "Bearer " + os.environ["DOOR_SECRET"]}

    def ask(method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, data, headers, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    return ask


def by_socket(path):
    connection = SocketConnection(path)

    def ask(method, path, body=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, json.load(response)

    return ask


def main():
    where, name = sys.argv[1:]
    ask = by_http(where) if where.startswith("http") else by_socket(where)
    path = "/v1/tokens/" + name
    first = ask("GET", path)
    urllib.request.urlopen(urllib.request.Request(os.environ["REVOKE"], method="POST"), timeout=10).close()
    rejected = ask("POST", path + "/reject", {"access_token": first[1].get("access_token")})
    again = ask("POST", path + "/reject", {"fingerprint": first[1].get("fingerprint")})
    second = ask("GET", path)
    denied = ask("GET", "/v1/tokens/nobodys")
    print(json.dumps({"first": first, "rejected": rejected, "again": again, "second": second, "denied": denied}))


main()
