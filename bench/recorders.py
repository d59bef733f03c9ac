"""The recorders that are compared: how each is called, and how it says what it recorded."""
import json
import os
import re
import shutil
import subprocess


class Recorder:
    """command(out) is its command line; recorded(said) is (packets, dropped) from what it said."""

    def __init__(self, name, command, recorded, output='o.pcapng', is_readable=True):
        self.name, self.command, self.recorded = name, command, recorded
        self.output = output            # what it writes, in a folder of its own
        self.is_readable = is_readable  # by capinfos


def last_object(text):
    """The last line of the text that is a JSON object."""
    for line in reversed(text.splitlines()):
        if line.startswith('{'):
            return json.loads(line)
    raise ValueError('it printed no JSON object')


def weir_recorded(said):
    summary = last_object(said[0])
    return summary['packets'], summary['lost']


def weir_memory(said):
    """What it stated at its start, in bytes."""
    return json.loads(said[0].splitlines()[0])['memory_bytes']


def weir_hashes(store):
    """For each segment when it was hashed: inline or deferred."""
    with open(os.path.join(store, 'manifest.jsonl'), encoding='utf-8') as f:
        lines = [json.loads(line) for line in f]
    return [line.get('hash') for line in lines if line.get('type') == 'segment']


def reference_recorded(said):
    found = last_object(said[0])
    return found.get('packets', found.get('cap')), found.get('dropped', found.get('kern_drop'))


def number(pattern, text, group=1):
    found = re.search(pattern, text)
    return int(found.group(group)) if found else None


def tcpdump_recorded(said):
    text = ' '.join(said)
    return (number(r'(\d+) packets? captured', text),
            number(r'(\d+) packets? dropped by kernel', text))


def dumpcap_recorded(said):
    pattern = r"received/dropped on interface '[^']*': (\d+)/(\d+)"
    return number(pattern, ' '.join(said)), number(pattern, ' '.join(said), 2)


def netsniff_recorded(said):
    text = ' '.join(said)
    return (number(r'(\d+)\s+packets passed filter', text),
            number(r'(\d+)\s+packets failed filter', text))


def weir(path, name='weir', options=()):
    return Recorder(name, lambda out: [path, 'sniff', '-i', 'vb', '-o', out, '--json', '-q', *options],
                    weir_recorded, output='store')


HASH_LATER = 'weir, hash later'


def hash_later(path):
    """Weir with all of its hashing put behind the recording, where it can be told to."""
    said = subprocess.run([path, 'sniff', '--help'], capture_output=True, text=True, check=False).stdout
    return [weir(path, HASH_LATER, ['--hash', 'later', '--rotate', '60GiB'])] if '--hash ' in said else []


def common():
    """Programs of the system."""
    tcpdump = ['tcpdump', '-i', 'vb', '-n', '-s0', '-Z', 'root', '-B', '65536', '-w']
    netsniff = ['netsniff-ng', '-i', 'vb', '-s', '-S', '64MiB', '-T', '0xa1b23c4d', '-o']
    return [Recorder('tcpdump -B 65536', lambda out: [*tcpdump, out], tcpdump_recorded, 'o.pcap'),
            Recorder('dumpcap -B 64', lambda out: ['dumpcap', '-i', 'vb', '-q', '-B', '64', '-w', out],
                     dumpcap_recorded),
            Recorder('netsniff-ng', lambda out: [*netsniff, out], netsniff_recorded, 'o.pcap')]


def own(folder):
    """Our own floor of cost; it writes no capture file."""
    path = os.path.join(folder, 'bench-reference-ring')
    return [Recorder('reference-ring', lambda out: [path, 'vb', out], reference_recorded, 'o.raw',
                     is_readable=False)]


def further(folder):
    """Reference programs in a folder of the user's, $WEIR_BENCH_PEERS."""
    if not folder:
        return []
    inplace, ringcap = (os.path.join(folder, name) for name in ('inplace', 'ringcap'))
    return [Recorder('inplace', lambda out: [inplace, 'vb', out, '600', '64', '1024', '8'],
                     reference_recorded),
            Recorder('ringcap direct', lambda out: [ringcap, 'vb', out, '600', '64', '1024', 'dcopy'],
                     reference_recorded, 'o.pcap')]


def installed(recorders):
    return [r for r in recorders if shutil.which(r.command('o')[0])]


def all_recorders(weir_path, programs, peers, variants=()):
    """By name.  A variant is NAME=OPTIONS: weir once more, called with those."""
    found = [weir(weir_path), *hash_later(weir_path)]
    for text in variants:
        name, _, options = text.partition('=')
        found.append(weir(weir_path, name, options.split()))
    return {r.name: r for r in installed(found + own(programs) + common() + further(peers))}
