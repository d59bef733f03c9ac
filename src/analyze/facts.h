/* What the text formats tell of a packet, in one place: decoded headers and the names around it. */
#ifndef WEIR_ANALYZE_FACTS_H
#define WEIR_ANALYZE_FACTS_H

#include "packet/headers.h"
#include "weir/reader.h"

struct facts {
	struct headers headers;
	const char *iface;  /* may be empty */
	const char *source; /* base name of the source's path, not NUL-terminated */
	size_t source_length;
	const char *direction; /* "in", "out", NULL where unknown */
	uint16_t linktype;
};

void facts_gather(struct facts *f, const struct merge *m, const struct packet *p);

/* The part of a path behind its last slash, slashes at the end aside: lent, *length bytes. */
const char *facts_base_name(const char *path, size_t *length);

/* The direction by epb_flags, else by the link header. */
enum link_direction facts_direction(const struct packet *p, const struct link *l);

#endif
