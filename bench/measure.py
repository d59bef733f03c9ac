"""Running one program and saying what it cost: wall, CPU of it and its children, memory."""
import os
import signal
import subprocess
import time

POLL_S = 0.01


class Failed(Exception):
    """A program did not do what was asked; the text says which and why."""


class Running:
    """A program in the background.  Its words are in files: a full pipe would stop it."""

    def __init__(self, words, folder, name):
        self.words = words
        self.paths = [os.path.join(folder, f'{name}.{kind}') for kind in ('out', 'err')]
        with open(self.paths[0], 'wb') as out, open(self.paths[1], 'wb') as err:
            self.started = time.monotonic()
            self.process = subprocess.Popen(words, stdout=out, stderr=err, cwd=folder,
                                            stdin=subprocess.DEVNULL)

    @property
    def pid(self):
        return self.process.pid

    def has_ended(self):
        return self.process.poll() is not None

    def said(self):
        texts = []
        for path in self.paths:
            with open(path, encoding='utf-8', errors='replace') as f:
                texts.append(f.read())
        return texts

    def failed(self, what):
        return Failed(f'{self.words[0]}: {what}: ' + ' '.join(self.said())[-300:].strip())

    def wait_until(self, ready, seconds):
        end = time.monotonic() + seconds
        while not ready(self):
            if self.has_ended():
                raise self.failed('ended before it was ready')
            if time.monotonic() > end:
                raise self.failed(f'was not ready after {seconds} s')
            time.sleep(POLL_S)

    def finish(self, number=None, seconds=60):
        """Ends it (by a signal, when one is given) and returns its figures."""
        asked = time.monotonic()
        if number is not None and not self.has_ended():
            self.process.send_signal(number)
        usage = self.reap(asked + seconds)
        now = time.monotonic()
        return {'wall_s': round(now - self.started, 4), 'stop_s': round(now - asked, 3),
                'cpu_s': round(usage.ru_utime + usage.ru_stime, 4),
                'user_s': round(usage.ru_utime, 4), 'rss_mib': round(usage.ru_maxrss / 1024, 1),
                'code': self.process.returncode}

    def reap(self, end):
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                return usage
            if time.monotonic() > end:
                self.process.kill()
                raise self.failed('did not end')
            time.sleep(POLL_S / 5)

    def kill(self):
        """Whatever happened, nothing is left running."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def run_once(words, folder, name='run', seconds=600):
    """A program that ends by itself."""
    program = Running(words, folder, name)
    try:
        figures = program.finish(seconds=seconds)
    finally:
        program.kill()
    figures['said'] = program.said()
    return figures


def cpu_ticks():
    """(idle, all) of the machine since its start."""
    with open('/proc/stat', encoding='ascii') as f:
        ticks = [int(word) for word in f.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def wait_for_quiet(seconds, enough=0.9, step=0.3):
    """Waits until nearly nobody else uses the processors; returns the idle share that was reached."""
    end = time.monotonic() + seconds
    while True:
        before = cpu_ticks()
        time.sleep(step)
        after = cpu_ticks()
        idle = (after[0] - before[0]) / max(1, after[1] - before[1])
        if idle >= enough or time.monotonic() >= end:
            return round(idle, 2)


def packet_sockets(pid):
    """Packet sockets in that process's network namespace that take all protocols and run."""
    with open(f'/proc/{pid}/net/packet', encoding='ascii') as f:
        lines = [line.split() for line in f.readlines()[1:]]
    return sum(1 for line in lines if line[3] == '0003' and line[5] == '1')


def is_recording(program):
    try:
        return packet_sockets(program.pid) > 0
    except OSError:
        return False


def status_kib(pid, name):
    """A line of /proc/PID/status, such as VmRSS."""
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as f:
        for line in f:
            if line.startswith(name + ':'):
                return int(line.split()[1])
    return 0


def cpu_now_s(pid):
    """CPU of all living threads so far."""
    total = 0
    for thread in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{thread}/schedstat', encoding='ascii') as f:
                total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def size_of(path):
    """Bytes of a file, or of all files of a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(path) for name in names)
