"""Two ways of doing one thing, measured in turn: what one adds, and how sure that is.  Pure.

A pair is two figures taken one right after the other, so that a machine that is slower for a while is slower
for both.  Pairs of one round share what a round starts anew (processes, their memory), so a round counts
once: by the median of its pairs.  The interval says in which range the median of all rounds that could
have been lies; it assumes nothing of how they are spread."""
import math
import statistics

CONFIDENCE = 0.95


def added_percent(on, off):
    return (on / off - 1) * 100


def of_round(pairs):
    """What the first of each pair adds to the second, in percent; None: there is no pair."""
    found = [added_percent(on, off) for on, off in pairs if on is not None and off]
    return statistics.median(found) if found else None


def interval(values, confidence=CONFIDENCE):
    """Of the median, by order: the narrowest (low, high) that is right as often as that; None: too few values.

    Each value is below the true median as often as above it, so how many are is binomial."""
    values, n = sorted(values), len(values)
    found = None
    outside = 0
    for k in range(n // 2):
        outside += 2 * math.comb(n, k) / 2**n
        if 1 - outside < confidence:
            break
        found = values[k], values[n - 1 - k]
    return found


class Estimate:
    """Of what is added, from the rounds' values."""

    def __init__(self, values):
        values = [v for v in values if v is not None]
        self.count = len(values)
        self.median = statistics.median(values) if values else None
        self.interval = interval(values)

    def verdict(self, bound):
        """Against an upper bound: the whole interval has to be on one side of it."""
        if self.interval is None:
            return 'too few rounds'
        if self.interval[1] <= bound:
            return 'within'
        return 'ABOVE' if self.interval[0] > bound else 'not settled: more rounds'

    def cells(self, what, bound):
        if self.median is None:
            return [what, '-', '-', '0', f'{bound:g} %', 'not measured']
        low_high = '-' if self.interval is None else f'{self.interval[0]:+.1f} to {self.interval[1]:+.1f}'
        return [what, f'{self.median:+.1f}', low_high, self.count, f'{bound:g} %', self.verdict(bound)]
