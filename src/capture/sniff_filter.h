/* What the kernel lets into a capture ring: packets over the loopback interface once, and, where the
 * kernel takes our program, only packets that the filter may match.
 *
 * The kernel's answer is an over-approximation: who reads the ring judges again (sniff.c).  So what
 * a program cannot see well (a tag within the bytes, bytes behind the IP packet, a header that is
 * not where it should be) is let in.  It goes by the bytes of a frame: whoever sends one through a
 * packet socket chooses what the kernel calls its protocol, and would hide it.  Only of frames of a link
 * layer that gets a cooked header (frame.h) nothing else is known.
 *
 * Calling sequence: sniff_filter_attach() once a ring, with the privileges of the start; then
 * sniff_filter_widen() when it is bound to something else.
 * Threads: one at a time. */
#ifndef WEIR_CAPTURE_SNIFF_FILTER_H
#define WEIR_CAPTURE_SNIFF_FILTER_H

#include "base/compiler.h"
#include "capture/frame.h"
#include "capture/packet_ring.h"
#include "weir/filter.h"

#include <stdbool.h>

struct sniff_filter {
	const struct filter *filter; /* NULL: every packet */
	uint32_t keep_bytes;         /* of each packet */
	bool is_one;                 /* a ring of one interface, of this form: */
	enum frame_form form;
};

/* *is_in_kernel: the filter's program is attached; else only the rule for loopback is, and `why`
 * gets the reason (empty without a filter). */
int sniff_filter_attach(struct packet_ring *r, const struct sniff_filter *f,
			bool *is_in_kernel, char why[WEIR_ERROR_TEXT],
			struct weir_error *err) MUST_CHECK;

/* For a ring that is to hear an interface of another form: the filter's program would look at the wrong
 * bytes, so all is let in that the reader may want.  Needs no privilege. */
int sniff_filter_widen(struct packet_ring *r, uint32_t keep_bytes,
		       struct weir_error *err) MUST_CHECK;

#endif
