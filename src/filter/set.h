/* Sets of a field's keys (field.h), as sorted ranges that neither touch nor overlap.
 *
 * A set is a value: its ranges are in the pool and never change.  Sets can be compared member by
 * member because a set has one form only.  Functions return false when there is no memory. */
#ifndef WEIR_FILTER_SET_H
#define WEIR_FILTER_SET_H

#include "filter/pool.h"
#include "filter/wide.h"

#include <stdbool.h>

struct range {
	u128 low, high; /* both belong to it */
};

struct set {
	const struct range *ranges;
	size_t count;
};

/* Sorts and joins `count` ranges in place into a set; empty ones (low > high) are not allowed. */
struct set set_of(struct range *ranges, size_t count);
/* One range; an empty one gives the empty set. */
bool set_range(struct set *s, struct pool *pool, u128 low, u128 high);
/* What of first..last is not in s. */
bool set_complement(struct set *s, struct pool *pool, u128 first, u128 last);
bool set_union(struct set *out, struct pool *pool, const struct set *sets, size_t count);
bool set_intersection(struct set *out, struct pool *pool, const struct set *sets,
		      size_t count, u128 first, u128 last);

bool set_is_full(const struct set *s, u128 first, u128 last);
bool set_has(const struct set *s, u128 key);
bool set_equal(const struct set *a, const struct set *b);
bool set_is_within(const struct set *a, const struct set *b);
bool set_meets(const struct set *a, const struct set *b);

#endif
