"""A program that has its tokens from the door, with Python's standard library alone.

    DOOR_URL=http://127.0.0.1:8081 DOOR_SECRET_FILE=secrets/python python3 door.py crm m2m

It gets a token of each credential, and calls an API of Feishu's twice (API_URL, or else https://open.feishu.cn)
with that of the first.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request


class Door:
    """Keeps each token for as long as the door says, and asks again then. For one thread."""

    def __init__(self, url, secret):
        self.url, self.secret, self.kept = url, secret, {}

    def token(self, name):
        """Returns a token: from memory, unless it is time to ask. If the door has none a kept one serves to its end."""
        now, kept = time.monotonic(), self.kept.get(name)
        if kept and now < kept["again_at"]:
            return kept["access_token"]
        try:
            answer = call("GET", f"{self.url}/v1/tokens/{name}", self.secret)
        except OSError:
            if kept and now < kept["ends_at"]:
                return kept["access_token"]
            raise
        answer["again_at"], answer["ends_at"] = now + answer["refresh_in"], now + answer["expires_in"]
        self.kept[name] = answer
        print(f"{name}: a token for {answer['expires_in']} s, kept for {answer['refresh_in']} s")
        return answer["access_token"]

    def reject(self, name):
        """Tells the door that an API has rejected the token. The next token() asks the door."""
        token = self.kept.pop(name)["access_token"]
        return call("POST", f"{self.url}/v1/tokens/{name}/reject", self.secret, {"access_token": token})["outcome"]


def call(method, url, bearer, body=None):
    """Returns a server's answer in JSON. Refusals are urllib.error.HTTPError, which is an OSError."""
    headers = {"Authorization": "Bearer " + bearer, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=10) as response:
        return json.load(response)


def tenant(door, name, api):
    """Returns the tenant's name. If the API rejects the token, the door is told, and the call made once more."""
    for again in (True, False):
        try:
            answer = call("GET", api + "/open-apis/tenant/v2/tenant/query", door.token(name))
            return answer["data"]["tenant"]["name"]
        except urllib.error.HTTPError as error:
            if not again or json.load(error).get("code") != 99991663:
                raise
            print(f"{name}: the API rejected the token; the door says {door.reject(name)}")


def main():
    with open(os.environ["DOOR_SECRET_FILE"], encoding="utf-8") as file:
        door = Door(os.environ["DOOR_URL"], file.read().strip())
    for name in sys.argv[1:]:
        door.token(name)
    api, first = os.environ.get("API_URL", "https://open.feishu.cn"), sys.argv[1]
    for _ in range(2):
        print(f"{first}: the API says: {tenant(door, first, api)}")


main()
