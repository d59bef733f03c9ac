#include "filter/set.h"

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return 0;
}

struct set set_of(struct range *r, size_t count)
{
	size_t n = 0;

	if (!count)
		return (struct set){ NULL, 0 };
	qsort(r, count, sizeof *r, compare);
	for (size_t i = 1; i < count; i++) {
		/* Joined when it overlaps or begins right behind. */
		bool is_joined = r[n].high == WIDE_MAX || r[i].low <= r[n].high + 1;

		if (!is_joined)
			r[++n] = r[i];
		else if (r[i].high > r[n].high)
			r[n].high = r[i].high;
	}
	return (struct set){ r, n + 1 };
}

bool set_range(struct set *s, struct pool *pool, u128 low, u128 high)
{
	struct range *r;

	*s = (struct set){ NULL, 0 };
	if (low > high)
		return true;
	r = pool_new(pool, 1, sizeof *r);
	if (!r)
		return false;
	r->low = low;
	r->high = high;
	*s = (struct set){ r, 1 };
	return true;
}

bool set_complement(struct set *s, struct pool *pool, u128 first, u128 last)
{
	struct range *r = pool_new(pool, s->count + 1, sizeof *r);
	u128 low = first;
	bool is_done = false;
	size_t n = 0;

	if (!r)
		return false;
	for (size_t i = 0; i < s->count && !is_done; i++) {
		const struct range *hole = &s->ranges[i];

		if (hole->low > last)
			break;
		if (hole->low > low)
			r[n++] = (struct range){ low, hole->low - 1 };
		is_done = hole->high >= last;
		if (hole->high >= low)
			low = hole->high + !is_done;
	}
	if (!is_done)
		r[n++] = (struct range){ low, last };
	*s = (struct set){ r, n };
	return true;
}

bool set_union(struct set *out, struct pool *pool, const struct set *sets, size_t count)
{
	size_t total = 0, n = 0;
	struct range *r;

	for (size_t i = 0; i < count; i++)
		total += sets[i].count;
	r = pool_new(pool, total, sizeof *r);
	if (!r)
		return false;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < sets[i].count; k++)
			r[n++] = sets[i].ranges[k];
	*out = set_of(r, n);
	return true;
}

bool set_intersection(struct set *out, struct pool *pool, const struct set *sets,
		      size_t count, u128 first, u128 last)
{
	struct set *outside = pool_new(pool, count, sizeof *outside);

	if (!outside)
		return false;
	for (size_t i = 0; i < count; i++) {
		outside[i] = sets[i];
		if (!set_complement(&outside[i], pool, first, last))
			return false;
	}
	return set_union(out, pool, outside, count) &&
	       set_complement(out, pool, first, last);
}

bool set_is_full(const struct set *s, u128 first, u128 last)
{
	return s->count == 1 && s->ranges[0].low <= first && s->ranges[0].high >= last;
}

bool set_has(const struct set *s, u128 key)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key > s->ranges[middle].high)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->count && key >= s->ranges[low].low;
}

bool set_equal(const struct set *a, const struct set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->ranges[i].low != b->ranges[i].low ||
		    a->ranges[i].high != b->ranges[i].high)
			return false;
	return true;
}

bool set_is_within(const struct set *a, const struct set *b)
{
	size_t k = 0;

	for (size_t i = 0; i < a->count; i++) {
		while (k < b->count && b->ranges[k].high < a->ranges[i].low)
			k++;
		if (k == b->count || b->ranges[k].low > a->ranges[i].low ||
		    b->ranges[k].high < a->ranges[i].high)
			return false;
	}
	return true;
}

bool set_meets(const struct set *a, const struct set *b)
{
	size_t i = 0, k = 0;

	while (i < a->count && k < b->count) {
		if (a->ranges[i].high < b->ranges[k].low)
			i++;
		else if (b->ranges[k].high < a->ranges[i].low)
			k++;
		else
			return true;
	}
	return false;
}
