"""Two network namespaces of the benchmark's own, joined by a veth pair; nothing is done outside them.

usage: with Rig() as rig: rig.a, rig.b are names; in_netns(rig.a, words) is a command line there.

va (10.9.0.1) in rig.a sends, vb (10.9.0.2) in rig.b receives."""
import os
import signal
import subprocess
import sys


def in_netns(name, words):
    # nsenter: `ip netns exec` would mount another /sys, without cgroup v2.
    return ['nsenter', f'--net=/run/netns/{name}', *words]


def run(words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def end_on_signals():
    """SIGTERM and SIGHUP unwind as Ctrl-C does, so that every `with` removes what it made."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))


class Rig:
    def __init__(self):
        self.a = f'weir-bench-a-{os.getpid()}'
        self.b = f'weir-bench-b-{os.getpid()}'
        self.made = []

    def __enter__(self):
        try:
            self.make()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def make(self):
        for name in (self.a, self.b):
            run(['ip', 'netns', 'add', name])
            self.made.append(name)
        run(['ip', 'link', 'add', 'va', 'netns', self.a, 'type', 'veth', 'peer', 'name', 'vb',
             'netns', self.b])
        for name, device, address in ((self.a, 'va', '10.9.0.1/24'), (self.b, 'vb', '10.9.0.2/24')):
            ip = ['ip', '-n', name]
            # No IPv6 address of its own: nothing moves but what is sent.
            run([*ip, 'link', 'set', device, 'addrgenmode', 'none'])
            run([*ip, 'address', 'add', address, 'dev', device])
            run([*ip, 'link', 'set', 'lo', 'up'])
            run([*ip, 'link', 'set', device, 'up'])

    def remove(self):
        for name in self.made:
            subprocess.run(['ip', 'netns', 'del', name], check=False, capture_output=True)
        self.made = []

    def mac(self):
        """Of vb: what is sent there reaches the stack."""
        words = run(['ip', '-n', self.b, '-o', 'link', 'show', 'vb']).split()
        return words[words.index('link/ether') + 1]
