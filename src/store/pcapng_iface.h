/* The Interface Description Block of pcapng, read (draft-ietf-opsawg-pcapng-05, section 4.2). */
#ifndef WEIR_STORE_PCAPNG_IFACE_H
#define WEIR_STORE_PCAPNG_IFACE_H

#include "store/iface.h"
#include "store/pcapng_clock.h"
#include "store/pcapng_option.h"

/* Fills both from zero.  Text that is longer than its place is cut. */
int pcapng_iface_read(const struct pcapng_block *b, struct iface_info *info,
		      struct pcapng_clock *clock, struct weir_error *err) MUST_CHECK;

#endif
