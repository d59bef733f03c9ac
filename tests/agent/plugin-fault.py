"""A plugin that can do everything wrong: its directives are its faults."""
import json
import os
import signal
import socket
import sys
import time

ANY = {"type": "object"}
NAMES = ["good", "crash", "hang", "stop", "garbage", "flood", "items", "long", "stranger", "request",
         "notes", "errors", "slow", "talk", "closed", "ended"]
DESCRIPTION = {"protocol": 1, "name": "fault", "summary": "does wrong", "directives": [
    {"name": name, "summary": name, "role": "viewer", "arguments": ANY, "streams": True,
     "timeout_s": 2 if name == "slow" else 60} for name in NAMES]}


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def fault(ident, name):
    if name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif name == "hang":
        while True:
            time.sleep(1)
    elif name == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif name == "garbage":
        print("this is no JSON", flush=True)
    elif name == "flood":
        while True:
            send(method="log", params={"text": "again"})
    elif name == "talk":
        while True:
            send(method="progress", params={"call": ident})
    elif name == "items":
        while True:
            send(method="item", params={"call": ident, "items": list(range(1000))})
    elif name == "long":
        sys.stdout.write("x" * 3000000)
        sys.stdout.flush()
    elif name == "stranger":
        send(id=987654, result={})
    elif name == "request":
        send(id=1, method="give me", params={})
    elif name == "errors":
        for n in range(2000):
            print("line", n, file=sys.stderr, flush=True)
    elif name == "closed":
        os.close(1)
        time.sleep(60)
    elif name == "ended":
        socket.socket(fileno=1).shutdown(socket.SHUT_WR)
        time.sleep(60)
    return {"name": name}


for line in sys.stdin:
    request = json.loads(line)
    method = request["method"]
    if method == "describe":
        send(id=request["id"], result=DESCRIPTION)
    elif method == "ping":
        send(id=request["id"], result={})
    elif method == "call" and request["params"]["directive"] != "slow":
        send(id=request["id"], result=fault(request["id"], request["params"]["directive"]))
    elif method == "cancel":
        send(id=request["params"]["call"], error={"code": -32000, "message": "cancelled"})
