#!/usr/bin/env python3
"""A plugin for weir agent in plain Python: greets, and counts in a stream.  See plugin-protocol.md."""
import json
import sys

NAME = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 100}}}
UPTO = {"type": "object", "required": ["to"],
        "properties": {"to": {"type": "integer", "minimum": 0, "maximum": 20}}}
DESCRIPTION = {"protocol": 1, "name": "hello", "summary": "an example", "directives": [
    {"name": "greet", "summary": "say hello", "role": "viewer", "arguments": NAME},
    {"name": "count", "summary": "stream numbers", "role": "viewer", "arguments": UPTO,
     "streams": True}]}


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def call(ident, directive, arguments):
    if directive == "greet":
        return {"text": f"hello, {arguments.get('name', 'world')}"}
    for n in range(arguments["to"]):
        send(method="item", params={"call": ident, "items": [{"n": n}]})
    return {"count": arguments["to"]}


for line in sys.stdin:  # its end is the request to end
    request = json.loads(line)
    method, params = request["method"], request.get("params", {})
    if method == "describe":
        send(id=request["id"], result=DESCRIPTION)
    elif method == "ping":
        send(id=request["id"], result={})
    elif method == "call":
        send(id=request["id"], result=call(request["id"], params["directive"], params["arguments"]))
