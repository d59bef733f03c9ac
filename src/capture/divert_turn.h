/* The parts of the inline source's loop: one turn of receiving and recording, the interfaces of what is
 * recorded, and the look at what passed unrecorded.  All are for the capture thread. */
#ifndef WEIR_CAPTURE_DIVERT_TURN_H
#define WEIR_CAPTURE_DIVERT_TURN_H

#include "capture/divert.h"

#include <errno.h>

/* Receives a batch (with is_waiting: sleeps until there is one, for nfq_config.wait_ns at most),
 * records it, lets its packets go on.  Returns how many messages came, 0 when there were none, or a
 * negative enum weir_err. */
int divert_turn(struct source *s, bool is_waiting, struct weir_error *err) MUST_CHECK;

/* Whether -i has this name. */
bool divert_is_chosen(const struct source *s, const char *name);
/* Of the kernel's number.  NULL: the store takes no more interfaces. */
struct divert_cached *divert_place(struct source *s, uint32_t index);
/* Reads what has become of the machine's interfaces: events, and their names from now on. */
int divert_follow(struct source *s, struct weir_error *err) MUST_CHECK;

/* Raises the losses to what has passed by now; tells the manifest at most once a second, or now. */
void divert_report(struct source *s, int64_t now_monotonic_ns, bool is_last);

#endif
