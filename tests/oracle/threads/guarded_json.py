import json
import threading


class Settings:
    def __init__(self):
        self.lock = threading.Lock()
        self.text = json.dumps({"ports": [1]})
        self.values = {"ports": [1]}


def setup():
    return Settings()


def alice(s):
    with s.lock:
        s.values["ports"].append(2)
        s.text = json.dumps(s.values)


def bob(s):
    with s.lock:
        s.values = json.loads(s.text)
        s.values["ports"].append(3)


ACTORS = [alice, bob]


def outcome(s):
    return repr((s.text, s.values))
