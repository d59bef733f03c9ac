/* A process that starts recorders, and nothing else: a recorder needs what nobody else in the plugin
 * needs, and must stand outside of the plugin's Landlock domain, because under it nothing could be
 * told of other processes, and so of no packet whose it is (the recorder enters one of its own, once
 * what reads /proc has been started).
 *
 * Calling sequence: launcher_new() while the process has one thread and has given up nothing;
 * launcher_start() from any thread; launcher_free().
 * What comes over the channel is taken for an attacker's: launcher_check() lets only a recorder's
 * command line through, into a store of its own among the stores, and no option that writes, reads
 * or sends anywhere else.
 * A recorder is a child of the plugin's (CLONE_PARENT), as if that had started it.
 * Facts: clone(2), unix(7). */
#ifndef WEIR_PLUGINS_LAUNCHER_H
#define WEIR_PLUGINS_LAUNCHER_H

#include "plugins/program.h"

#include <stdatomic.h>

#define LAUNCHER_GONE "the launcher has gone: no recorder can be started"

struct launcher;

/* stores: where all stores lie. */
int launcher_new(struct launcher **l, const char *stores,
		 struct weir_error *err) MUST_CHECK;
/* As program_start() with a control descriptor. */
int launcher_start(struct launcher *l, struct program *p, const char *const *words,
		   struct weir_error *err) MUST_CHECK;
/* Set by the launcher_start() that finds the launcher gone: it cannot be had again, so the plugin is to end and its
 * host starts both anew.  Before there is something to start nobody looks: what records goes on.  NULL where the
 * plugin starts recorders itself. */
const atomic_bool *launcher_is_gone(const struct launcher *l);
void launcher_free(struct launcher *l);

/* Whether these are a recorder's words: pure. */
int launcher_check(const char *const *words, const char *stores,
		   struct weir_error *err) MUST_CHECK;

#endif
