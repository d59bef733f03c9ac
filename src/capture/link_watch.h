/* The machine's network interfaces and what becomes of them: rtnetlink's link messages, kept as a
 * table, each change told once.
 *
 * Calling sequence: link_watch_open() learns what there is; then whenever link_watch_fd() is
 * readable, link_watch_read() calls back for each change.  Where the kernel had more messages than
 * room, everything is asked for again, so that no change is missed, only its steps.
 *
 * Ownership: the callback's structures are lent for its duration.  Threads: one at a time.
 * Privilege: none.  Facts: rtnetlink(7), linux/rtnetlink.h, linux/if_link.h; integers are the
 * machine's own (weir runs on little-endian ones). */
#ifndef WEIR_CAPTURE_LINK_WATCH_H
#define WEIR_CAPTURE_LINK_WATCH_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_NAME  16   /* IFNAMSIZ */
#define LINK_COUNT 1024 /* interfaces followed; others are not */

struct net_link {
	uint32_t index, flags, mtu; /* flags: IFF_ bits */
	uint16_t hatype;            /* ARPHRD_ */
	bool has_mac, is_gone;
	uint8_t mac[6];
	char name[LINK_NAME];
	uint64_t
		packets; /* received and sent, as the message says; 0 where it does not */
};

/* Calls visit for each whole link message among the netlink messages in bytes; *is_done is set when
 * the end of an answer is among them.  WEIR_ERR_FORMAT at the first that is damaged. */
typedef void link_visit(void *arg, const struct net_link *link);
int link_parse(const uint8_t *bytes, size_t length, link_visit *visit, void *arg,
	       bool *is_done, struct weir_error *err) MUST_CHECK;

enum {
	LINK_ADDED = 1 << 0,
	LINK_REMOVED = 1 << 1,
	LINK_UP = 1 << 2,
	LINK_DOWN = 1 << 3,
	LINK_RENAMED = 1 << 4,
	LINK_MAC = 1 << 5,
	LINK_MTU = 1 << 6,
};

struct link_table {
	struct net_link links[LINK_COUNT];
	uint8_t seen[LINK_COUNT]; /* in the answer that is being read */
	unsigned count;
};

/* Puts a message's state into the table; returns what changed, 0 when nothing did.  `before` gets
 * the state that it had (all zero when it is new). */
unsigned link_table_update(struct link_table *t, const struct net_link *now,
			   struct net_link *before);
const struct net_link *link_table_find(const struct link_table *t, const char *name);
const struct net_link *link_table_at(const struct link_table *t, uint32_t index);

struct link_watch;
typedef void link_change(void *arg, unsigned changes, const struct net_link *now,
			 const struct net_link *before);

int link_watch_open(struct link_watch **w, struct weir_error *err) MUST_CHECK;
void link_watch_close(struct link_watch *w);
int link_watch_fd(const struct link_watch *w);
const struct link_table *link_watch_table(const struct link_watch *w);
/* Inside a callback: it may be of an answer with all interfaces, and not of what happened just now. */
bool link_watch_is_listing(const struct link_watch *w);
/* The packets that an interface has received and sent until now, asked of the kernel; may be called from
 * inside a callback. */
int link_watch_packets(struct link_watch *w, uint32_t index, uint64_t *packets,
		       struct weir_error *err) MUST_CHECK;
/* Reads what has come, without waiting. */
int link_watch_read(struct link_watch *w, link_change *change, void *arg,
		    struct weir_error *err) MUST_CHECK;

#endif
