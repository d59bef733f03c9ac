#!/usr/bin/env python3
"""Compares weir list and weir timeline with the programs that do a part of it, in one run.

usage: bench/filesystem.py [-n FILES] [-r ROUNDS] [-w WEIR] [-t FOLDER] [-p PART] [-x]

Makes a tree of its own (25 files a directory, 0 to 5 KB, some links), runs every program that is
installed in turn, ROUNDS times, and prints minimum and median wall, CPU of the process tree, and
the ratio to its peer.  On a shared machine trust CPU and minimum wall, and only ratios of
one run.  Each "must" and "goal" is a floor and an aim set before the first measurement."""
import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FMT = r'%i|%p|%y|%m|%n|%U|%G|%s|%b|%D|%A@|%T@|%C@|%B@|%l\n'
GLOB = '''import json, mimetypes, pathlib, sys
mimetypes.init()
out = {"files": [], "directories": []}
for c in pathlib.Path(sys.argv[1]).glob("**/*"):
    if c.is_file():
        s = c.stat()
        out["files"].append(dict(name=c.name, parent=str(c.parent), ext=c.suffix,
            mime=mimetypes.guess_type(str(c)), mode=s.st_mode, ino=s.st_ino, dev=s.st_dev, nlink=s.st_nlink,
            uid=s.st_uid, gid=s.st_gid, size=s.st_size, atime=s.st_atime, mtime=s.st_mtime, ctime=s.st_ctime))
    else:
        out["directories"].append(str(c))
json.dump(out, sys.stdout)
'''


def make_tree(root, files):
    r = random.Random(7)
    block = r.randbytes(8192)
    count = max(1, files // 25)
    folders = [os.path.join(root, 'd0')]
    os.mkdir(folders[0])
    for i in range(1, count):
        folders.append(os.path.join(folders[(i - 1) // 8], f'dir{i}'))
        os.mkdir(folders[-1])
    for folder in folders:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for j in range(25):
            name = f'file_{j}_{r.randrange(65536):x}.{r.choice(["c", "h", "txt", "log", "so", "py", "gz"])}'
            if j == 7:
                os.symlink('file_0', name, dir_fd=fd)
                continue
            f = os.open(name, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd)
            os.write(f, block[:r.randrange(5000)])
            t = 1400000000 * 10**9 + r.randrange(2 * 10**17)
            os.utime(f, ns=(t, t + r.randrange(10**15)))
            os.close(f)
        os.close(fd)


def run(command, out):
    """Wall and CPU of a shell command."""
    start = time.monotonic()
    process = subprocess.Popen(['sh', '-c', command], stdout=out, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, rounds, entries):
        self.rounds, self.entries, self.results = rounds, entries, {}

    def measure(self, commands):
        """Interleaved, so that all see the same neighbours."""
        runs = {name: [] for name, _ in commands}
        with open(os.devnull, 'wb') as null:
            for i in range(self.rounds + 1):
                for name, command in commands:
                    r = run(command, null)
                    if i:
                        runs[name].append(r)
        for name, r in runs.items():
            self.results[name] = dict(wall=min(x[0] for x in r), median=statistics.median(x[0] for x in r),
                                      cpu=min(x[1] for x in r))

    def table(self):
        print(f'{"command":<26}{"min wall s":>11}{"median":>9}{"cpu s":>9}{"us/entry":>10}')
        for name, r in self.results.items():
            print(f'{name:<26}{r["wall"]:>11.3f}{r["median"]:>9.3f}{r["cpu"]:>9.3f}'
                  f'{r["cpu"] / self.entries * 1e6:>10.2f}')

    def ratio(self, what, ours, peer, kind, must, goal):
        if ours not in self.results or peer not in self.results:
            print(f'{what:<52}{"not run: " + peer + " is not installed":>20}')
            return
        x = self.results[peer][kind] / self.results[ours][kind]
        verdict = 'goal' if x >= goal else 'must' if x >= must else 'BELOW'
        print(f'{what:<52}{kind:>6}{x:>8.2f}x   must {must}x goal {goal}x   {verdict}')


def system_calls(weir, options, tree, entries):
    """Lines of a trace, not its counts: an older strace leaves calls that it does not know out of those."""
    if not shutil.which('strace'):
        return None
    with tempfile.NamedTemporaryFile() as trace:
        subprocess.run(['strace', '-f', '-qq', '-s', '0', '-o', trace.name, weir, 'list', '-r', '-j', '1', '-o',
                        '/dev/null', *options, tree], check=True)
        return sum(1 for _ in open(trace.name, 'rb')) / entries


def peak(command):
    """MiB at most in use, by the process's own account: rusage would have this program's size in it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        try:
            for line in open(f'/proc/{process.pid}/status', encoding='ascii', errors='replace'):
                if line.startswith('VmHWM:'):
                    most = int(line.split()[1])
        except OSError:
            pass
        time.sleep(0.002)
    return most / 1024


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-n', type=int, default=50000)
    p.add_argument('-r', type=int, default=5)
    p.add_argument('-x', action='store_true', help='slow peers too')
    p.add_argument('-w', default='build/weir')
    p.add_argument('-t', metavar='FOLDER', help='keep the tree here, and use it again')
    p.add_argument('-p', default='list,hash,big,timeline,calls',
                   help='only these parts: list, hash, big, timeline, calls, cold')
    a = p.parse_args()
    weir = os.path.abspath(a.w)
    if a.t:
        os.makedirs(a.t, exist_ok=True)
        measure_all(a, weir, os.path.abspath(a.t))
        return
    top = tempfile.mkdtemp(prefix='weir-bench.')
    try:
        measure_all(a, weir, top)
    finally:
        shutil.rmtree(top)


def listing_commands(weir, tree, top):
    with open(os.path.join(top, 'glob.py'), 'w', encoding='ascii') as f:
        f.write(GLOB)
    c = [('find -printf', f"find {tree} -printf '{FMT}'"),
         ('ls -lnRAU', f'ls -lnRAU --time-style=+%s {tree}')]
    if shutil.which('bfs'):
        c.append(('bfs -printf', f"bfs {tree} -printf '{FMT}'"))
    if shutil.which('mac-robber'):
        c.append(('mac-robber', f'mac-robber {tree}'))
    return c + [('weir jsonl 1 thread', f'{weir} list -r -j 1 {tree}'),
                ('weir jsonl 2 threads', f'{weir} list -r -j 2 {tree}'),
                ('weir bodyfile 1 thread', f'{weir} list -r -j 1 --format bodyfile {tree}'),
                ('weir -x -F 2 threads', f'{weir} list -r -x -F -j 2 {tree}')]


def prepare(a, weir, top):
    """The tree, and a listing and a body file of it."""
    tree, listing, body = (os.path.join(top, x) for x in ('tree', 'l.jsonl', 'body'))
    if not os.path.isdir(tree):
        os.mkdir(tree)
        make_tree(tree, a.n)
    subprocess.run(f'{weir} list -r {tree} >{listing}; {weir} list -r -f bodyfile {tree} >{body}', shell=True, check=True)
    return tree, listing, body


def measure_hashes(b, weir, tree):
    xargs = f'find {tree} -type f -print0 | xargs -0'
    hashes = [('sha256sum', f'{xargs} sha256sum'),
              ('weir sha256 1 thread', f'{weir} list -r -j 1 --hash sha256 {tree}'),
              ('weir sha256 2 threads', f'{weir} list -r -j 2 --hash sha256 {tree}'),
              ('weir md5+sha256 2 threads', f'{weir} list -r -j 2 --hash md5,sha256 {tree}')]
    if shutil.which('hashdeep'):
        hashes.append(('hashdeep', f'hashdeep -r {tree}'))
    b.measure(hashes)


def measure_big(b, weir, top):
    big = os.path.join(top, 'big')
    with open(big, 'wb') as f:
        for _ in range(256):
            f.write(os.urandom(4 << 20))
    hashes = [('sha256sum 1 GiB', f'sha256sum {big}'),
              ('weir sha256 1 GiB', f'{weir} list -j 1 --hash sha256 {big}'),
              ('b2sum 1 GiB', f'b2sum {big}'),
              ('weir blake2b 1 GiB', f'{weir} list -j 1 --hash blake2b512 {big}')]
    if shutil.which('b3sum'):
        hashes += [('b3sum 1 GiB', f'b3sum --num-threads 1 --no-mmap {big}'),
                   ('weir blake3 1 GiB', f'{weir} list -j 1 --hash blake3 {big}')]
    b.measure(hashes)
    os.unlink(big)


def measure_cold(a, weir, top):
    """On an image of its own, mounted anew and with its pages dropped before each run."""
    image, mount = os.path.join(top, 'cold.img'), os.path.join(top, 'cold')
    os.makedirs(mount, exist_ok=True)
    if not os.path.exists(image):
        subprocess.run(f'mke2fs -q -F -t ext4 -N {a.n * 5 // 4 + 1000} {image} {a.n * 8 + 65536}k && mount -o loop {image} {mount}',
                       shell=True, check=True)
        make_tree(mount, a.n)
        subprocess.run(['umount', mount], check=True)
    seconds = {}
    for _ in range(a.r):
        for name, command in (('find -printf', f"find {mount} -printf '{FMT}'"),
                              ('weir jsonl 4 threads', f'{weir} list -r -j 4 {mount}')):
            with open(image, 'rb') as f:
                os.fsync(f.fileno())
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            subprocess.run(['mount', '-o', 'loop', image, mount], check=True)
            with open(os.devnull, 'wb') as null:
                wall = run(command, null)[0]
            subprocess.run(['umount', mount], check=True)
            seconds[name] = min(wall, seconds.get(name, wall))
    for name, wall in seconds.items():
        print(f'{name:<26}{wall:>11.3f} s, cold')
    x = seconds['find -printf'] / seconds['weir jsonl 4 threads']
    print(f'{"cold, 4 threads, to find -printf":<52}{"wall":>6}{x:>8.2f}x   must 2x goal 2.8x')


def measure_timeline(a, b, weir, top, listing, body):
    lines = [('python glob', f'python3 {top}/glob.py {top}/tree')] if a.x else []
    lines += [('weir timeline', f'{weir} timeline --format csv {listing}')]
    if shutil.which('mactime'):
        lines.append(('mactime', f'mactime -b {body} -d -y -z UTC'))
    short = Bench(1, b.entries)
    short.measure(lines)
    b.results.update(short.results)


RATIOS = (
    ('jsonl, all metadata, 1 thread, to find -printf', 'weir jsonl 1 thread', 'find -printf', 'cpu', 1.4, 1.6),
    ('the same, 2 threads', 'weir jsonl 2 threads', 'find -printf', 'wall', 2.4, 3.0),
    ('body file, 1 thread, to mac-robber', 'weir bodyfile 1 thread', 'mac-robber', 'cpu', 1.15, 1.3),
    ('jsonl, 1 thread, to bfs -printf', 'weir jsonl 1 thread', 'bfs -printf', 'cpu', 1.4, 1.7),
    ('jsonl, 1 thread, to ls -lR', 'weir jsonl 1 thread', 'ls -lnRAU', 'cpu', 3.5, 4),
    ('jsonl, 1 thread, to Python pathlib', 'weir jsonl 1 thread', 'python glob', 'cpu', 8, 11),
    ('with attributes and flags, 2 threads, to find without', 'weir -x -F 2 threads', 'find -printf', 'wall', 1.2, 1.5),
    ('SHA-256 of small files, 1 thread, to sha256sum', 'weir sha256 1 thread', 'sha256sum', 'cpu', 2.3, 2.7),
    ('SHA-256 of a big file, to sha256sum', 'weir sha256 1 GiB', 'sha256sum 1 GiB', 'cpu', 3, 3.7),
    ('SHA-256 of small files, 2 threads, to hashdeep', 'weir sha256 2 threads', 'hashdeep', 'wall', 7, 10),
    ('MD5 and SHA-256 of them, 2 threads, to hashdeep', 'weir md5+sha256 2 threads', 'hashdeep', 'wall', 7, 10),
    ('BLAKE2b of a big file, to b2sum', 'weir blake2b 1 GiB', 'b2sum 1 GiB', 'cpu', 0.9, 1.0),
    ('BLAKE3 of a big file, to b3sum', 'weir blake3 1 GiB', 'b3sum 1 GiB', 'cpu', 0.9, 1.0),
    ('timeline, to mactime', 'weir timeline', 'mactime', 'cpu', 10, 20),
)


def measure_calls(weir, tree, entries):
    for name, options, must in (('plain', [], 1.2), ('-x', ['-x'], 2.2), ('-x -F', ['-x', '-F'], 3.2)):
        calls = system_calls(weir, options, tree, entries)
        print(f'system calls an entry, {name:<29}' + (f'{calls:>14.2f}    must {must}' if calls else '  not run: strace'))
    most = peak([weir, 'list', '-r', '-j', '2', tree])
    print(f'peak memory of a listing, 2 threads{most:>31.1f}    must 16 MiB goal 8 MiB')


def measure_all(a, weir, top):
    parts = a.p.split(',')
    tree, listing, body = prepare(a, weir, top)
    with open(listing, encoding='utf-8') as f:
        entries = sum(line.startswith('{"record":"file"') for line in f)
    print(f'{entries} entries, {a.r} rounds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}')
    b = Bench(a.r, entries)
    if 'list' in parts:
        b.measure(listing_commands(weir, tree, top))
    if 'hash' in parts:
        measure_hashes(b, weir, tree)
    if 'big' in parts:
        measure_big(b, weir, top)
    if 'timeline' in parts:
        measure_timeline(a, b, weir, top, listing, body)
    b.table()
    print()
    for what, ours, peer, kind, must, goal in RATIOS:
        if ours in b.results:
            b.ratio(what, ours, peer, kind, must, goal)
    if 'calls' in parts:
        measure_calls(weir, tree, entries)
    if 'cold' in parts:
        measure_cold(a, weir, top)


if __name__ == '__main__':
    sys.exit(main())
