#!/usr/bin/env python3
"""A plugin that does what tests of the agent's doors want: answers, streams, waits, fails.

Written from docs/plugin-protocol.md: JSON-RPC, one message a line."""
import base64
import json
import sys
import threading
import time

STRING = {'type': 'string'}
INTEGER = {'type': 'integer', 'minimum': 0}
DIRECTIVES = [
    ('echo', 'viewer', {'text': STRING, 'number': INTEGER, 'rate': {'type': 'number'},
                        'flag': {'type': 'boolean'}, 'list': {'type': 'array', 'items': STRING},
                        'inner': {'type': 'object', 'properties': {'depth': INTEGER},
                                  'additionalProperties': False}}, False),
    ('poke', 'operator', {}, False),
    ('rule', 'admin', {}, False),
    ('count', 'viewer', {'n': INTEGER, 'size': INTEGER}, True),
    ('wait', 'viewer', {}, True),
    ('stream', 'viewer', {'name': STRING}, True),
    ('talk', 'viewer', {'n': INTEGER, 'size': INTEGER}, True),
    ('fail', 'viewer', {}, False),
    ('lossy', 'viewer', {}, False),
]
lock = threading.Lock()
calls = {}


class Call:
    def __init__(self, window):
        self.room, self.cancelled = window, False
        self.changed = threading.Condition()

    def take(self, timeout=None):
        """Room for one message; False once nobody wants more."""
        with self.changed:
            self.changed.wait_for(lambda: self.room or self.cancelled, timeout)
            if self.cancelled:
                return False
            self.room -= 1
            return True


def send(message):
    with lock:
        sys.stdout.write(json.dumps(dict(message, jsonrpc='2.0')) + '\n')
        sys.stdout.flush()


def describe():
    return {'protocol': 1, 'name': 'probe', 'summary': 'for tests', 'directives': [
        {'name': name, 'summary': name + ' something', 'role': role, 'streams': streams,
         'timeout_s': 0, 'arguments': {'type': 'object', 'properties': properties,
                                       'additionalProperties': False}}
        for name, role, properties, streams in DIRECTIVES]}


def items(number, call, values):
    if not call.take():
        return False
    send({'method': 'item', 'params': {'call': number, 'items': values}})
    return True


def count(number, call, arguments):
    n, size = arguments.get('n', 10), arguments.get('size', 0)
    for at in range(0, n, 100):
        values = [{'i': i, 'fill': 'x' * size} for i in range(at, min(n, at + 100))]
        if not items(number, call, values):
            return
    send({'id': number, 'result': {'counted': n}})


def wait(number, call):
    """Says that it runs, then nothing until it is cancelled."""
    send({'method': 'progress', 'params': {'call': number, 'waiting': True}})
    items(number, call, [{'ready': True}])
    with call.changed:
        call.changed.wait_for(lambda: call.cancelled)
    with open('cancelled', 'a', encoding='ascii') as f:
        f.write('x')


def talk(number, n, size):
    """Progress, fewer than the bound in a second."""
    for _ in range(n):
        send({'method': 'progress', 'params': {'call': number, 'fill': 'x' * size}})
        time.sleep(0.01)
    with open('talked', 'w', encoding='ascii') as f:
        f.write('x')
    send({'id': number, 'result': {}})


def stream(number, call, name):
    block = bytes(range(256)) * 64
    for _ in range(40 if name == 'short' else 10 ** 9):
        if not items(number, call, [{'data': base64.b64encode(block).decode()}]):
            return
    send({'id': number, 'result': {}})


def run(number, params):
    call = Call(params['window'])
    calls[number] = call
    directive, arguments = params['directive'], params['arguments']
    if directive == 'count':
        count(number, call, arguments)
    elif directive == 'wait':
        wait(number, call)
    elif directive == 'stream':
        stream(number, call, arguments.get('name'))
    elif directive == 'talk':
        talk(number, arguments['n'], arguments['size'])
    elif directive == 'fail':
        send({'id': number, 'error': {'code': -32000, 'message': 'it \x1b[31mfailed'}})
    elif directive == 'lossy':
        send({'id': number, 'result': {'grade': 'complete-with-loss', 'lost': 3}})
    else:
        send({'id': number, 'result': {'arguments': arguments, 'caller': params['caller'],
                                       'session': params['session']}})
    if call.cancelled:
        send({'id': number, 'error': {'code': -32000, 'message': 'cancelled'}})
    del calls[number]


def told(message):
    params = message.get('params') or {}
    call = calls.get(params.get('call'))
    if not call:
        return
    with call.changed:
        if message['method'] == 'more':
            call.room += params['count']
        elif message['method'] == 'cancel':
            call.cancelled = True
        call.changed.notify()


for line in sys.stdin:
    request = json.loads(line)
    if request['method'] == 'describe':
        send({'id': request['id'], 'result': describe()})
    elif request['method'] == 'call':
        threading.Thread(target=run, args=(request['id'], request['params']), daemon=True).start()
    elif 'id' in request:
        send({'id': request['id'], 'result': {}})
    else:
        told(request)
