/* The events of WinDivert's FLOW and SOCKET layers, made from what the kernel tells of sockets.
 *
 *	SOCKET  BIND, CONNECT, LISTEN, ACCEPT, CLOSE       as they are told
 *	FLOW    ESTABLISHED   TCP: the handshake is done; else: the first packet to a remote side
 *	        DELETED       its socket is closed: with packets and bytes each way
 *
 * Calling sequence: life_new(); life_exists() for each socket of before; life_take() for each event of the feed, in its order; life_tick() some
 * times a second; life_finish(); life_free().  The callback gets the events.
 *
 * Who accepted a connection is known for sure once a process uses it: the event is held until then,
 * LIFE_HOLD_NS at most.  Without a use it is the listener's, and says so; where that is not known
 * either, nobody's.
 * WinDivert tells nothing of sockets that are older than its handle.  Here they come first, marked as
 * existing, so that what becomes of them has its owner.
 * Counts are of the socket: where it had several remote sides they cannot be told apart, and the
 * flows have none.
 * Pure but for allocation in life_new().  Threads: one owner.  Times are CLOCK_BOOTTIME in ns.
 * Memory: fixed; what goes to make room is counted: a socket that is forgotten has no DELETED. */
#ifndef WEIR_ANALYZE_SOCKET_LIFE_H
#define WEIR_ANALYZE_SOCKET_LIFE_H

#include "base/compiler.h"
#include "process/event.h"
#include "weir/filter.h"

#define LIFE_HOLD_NS UINT64_C(1000000000)

enum {
	LIFE_SOCKETS = 32768,
	LIFE_FLOWS = 65536, /* remote sides of sockets without a connection */
	LIFE_LISTENERS = 4096,
	LIFE_HELD = 4096
};

/* WinDivert's numbers. */
enum life_event_kind {
	LIFE_ESTABLISHED = 1,
	LIFE_DELETED,
	LIFE_BIND,
	LIFE_CONNECT,
	LIFE_LISTEN,
	LIFE_ACCEPT,
	LIFE_CLOSE,
};

struct life_event {
	/* Addresses, ports, process, cookie and, where has_counts, the counts; the pid is 0 where
	 * nobody is known. */
	struct socket_event socket;
	uint64_t parent_cookie; /* of the socket that listened; 0: not known, or none */
	uint8_t kind;
	uint8_t certainty; /* enum owner_certainty of store/record.h */
	bool is_outbound, is_loopback;
	bool has_counts;
	bool is_existing; /* not a thing that happened: what there was when the recorder began */
	bool is_begin_unseen; /* DELETED without ESTABLISHED: begun before the recorder */
	/* Windows: no uid; the event's own ticks; a name longer than `comm` has room for (NULL: none). */
	bool has_no_ids, has_ticks;
	int64_t ticks;
	const char *process_name;
};

typedef void life_fn(void *arg, const struct life_event *e);

struct life;

/* layer: FILTER_FLOW or FILTER_SOCKET. */
struct life *life_new(enum filter_layer layer, life_fn *on, void *arg) MUST_CHECK;
void life_free(struct life *l);
void life_take(struct life *l, const struct socket_event *e);
/* A socket that was there before the first event, as process/existing.h tells it: of kind LISTEN,
 * BIND, CONNECT (under way) or ESTABLISHED. */
void life_exists(struct life *l, const struct socket_event *e);
/* Lets go what was held for too long. */
void life_tick(struct life *l, uint64_t now_ns);
void life_finish(struct life *l);
/* Sockets and flows that went to make room. */
uint64_t life_forgotten(const struct life *l);

/* "ESTABLISHED", ... as the filter language has them. */
const char *life_event_name(unsigned kind);
/* The event as a filter of its layer sees it. */
void life_filter_input(struct filter_input *in, const struct life_event *e, int64_t ns);

#endif
