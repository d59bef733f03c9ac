"""Medians, ratios and tables in Markdown.  Pure: results (dicts, one a run) go in, text comes out."""
import statistics


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def pick(results, **wanted):
    return [r for r in results if all(r.get(k) == v for k, v in wanted.items())]


def median_of(results, field, **wanted):
    return median([r.get(field) for r in pick(results, **wanted)])


def values_of(results, field):
    """The different values, in the order in which they came."""
    return list(dict.fromkeys(r[field] for r in results if field in r))


def ratio(ours, theirs):
    """None where either is missing or there is nothing to divide by."""
    return ours / theirs if ours is not None and theirs else None


def number(value, digits=2):
    if value is None:
        return '-'
    if isinstance(value, str):
        return value
    if digits == 0:
        return f'{value:,.0f}'
    return f'{value:.{digits}f}'


def spread(values, digits=2):
    """Median, and the range where there are several: `0.12 (0.10-0.15)`."""
    values = [v for v in values if v is not None]
    if not values:
        return '-'
    text = number(median(values), digits)
    if len(values) == 1 or number(min(values), digits) == number(max(values), digits):
        return text
    return f'{text} ({number(min(values), digits)}-{number(max(values), digits)})'


def markdown(head, rows):
    """A table; the first column is text, the others numbers."""
    lines = ['| ' + ' | '.join(head) + ' |', '|---' + '|---:' * (len(head) - 1) + '|']
    lines += ['| ' + ' | '.join(str(cell) for cell in row) + ' |' for row in rows]
    return '\n'.join(lines)


class Bound:
    """A must and an aim: `value` may be at most (or, is_least, at least) that."""

    def __init__(self, what, value, must, aim=None, is_least=False, unit=''):
        self.what, self.value, self.must, self.aim = what, value, must, aim
        self.is_least, self.unit = is_least, unit

    def reaches(self, bound):
        if bound is None or self.value is None:
            return False
        return self.value >= bound if self.is_least else self.value <= bound

    def verdict(self):
        if self.value is None:
            return 'not measured'
        if self.must is None and self.aim is None:
            return ''
        if self.reaches(self.aim):
            return 'aim'
        if self.must is None:
            return 'below the aim'
        return 'must' if self.reaches(self.must) else 'NOT REACHED'

    def cells(self):
        sign = 'at least' if self.is_least else 'at most'
        must = '' if self.must is None else f'{sign} {self.must:g}{self.unit}'
        aim = '' if self.aim is None else f'{self.aim:g}{self.unit}'
        return [self.what, number(self.value), must, aim, self.verdict()]


def bounds_table(bounds):
    return markdown(['measure', 'found', 'must', 'aim', 'reached'], [b.cells() for b in bounds])
