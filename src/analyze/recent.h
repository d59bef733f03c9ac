/* A fixed number of things by key, the recent ones.
 *
 * Calling sequence: recent_new(count, key bytes, value bytes); recent_find(), recent_add(),
 * recent_drop(); recent_free().
 * Where all places are taken, the one that was used least recently goes; the caller may have it
 * handed over, and how many went is counted.  What goes depends on the order of the calls alone, so
 * that the same packets always give the same answer; the seed of the hash does not show.
 * Keys are compared byte by byte: zero their padding.  Values are lent until the next add; a new
 * one is zeroed.
 * Threads: one owner.  Memory: fixed; nothing is allocated after recent_new(). */
#ifndef WEIR_ANALYZE_RECENT_H
#define WEIR_ANALYZE_RECENT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent;

/* Gets what goes to make room. */
typedef void recent_gone_fn(void *arg, const void *key, const void *value);

/* count: 1 or more. */
struct recent *recent_new(size_t count, size_t key_bytes, size_t value_bytes) MUST_CHECK;
void recent_free(struct recent *r);
void recent_on_gone(struct recent *r, recent_gone_fn *gone, void *arg);
/* NULL where it is not there. */
void *recent_find(struct recent *r, const void *key);
/* What is there, or a new one. */
void *recent_add(struct recent *r, const void *key);
void recent_drop(struct recent *r, const void *key);
/* All that are left go to the function of recent_on_gone(), those first that were not used for
 * longest. */
void recent_drain(struct recent *r);
uint64_t recent_gone_count(const struct recent *r);

#endif
