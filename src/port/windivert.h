/* WinDivert: its DLL, handles, receiving and sending.  Windows only.
 *
 * The DLL is the one that lies beside this program, by its full path: no search path is asked, no
 * option and no variable names another one.  An environment is inherited across a rise to
 * administrator, and a DLL named there would be a stranger's code with a recorder's rights.
 *
 * Calling sequence:
 *	windivert_load(&w, err)		once; the driver is not touched
 *	windivert_open(&h, w, &how, err)	each handle; installs and starts the driver
 *	windivert_raise_limits(h, &limits)	right after it
 *	while ((rc = windivert_receive(h, stop, timeout, &got, err)) >= 0)
 *		rc > 0: got has packets or events; 0: the time is over, or `stop` is set
 *	windivert_shut(h)	nothing new comes; receive until WEIR_ERR_CLOSED
 *	windivert_settle(h)	where that takes too long: receive what is in our buffer already
 *	windivert_close(h); windivert_unload(w)
 *
 * Receiving is overlapped, so that it can be waited for together with an event, and there is one request
 * at a time, none while a batch is lent: so batches come in the order of the driver's queue.  Several
 * requests would be filled side by side by several of the driver's threads, which take packets in turn: 1
 * and 3 for the first, 2 for the second; no order of batches could put that right.
 * Ownership: a batch is lent until the next windivert_receive() of its handle.
 * Threads: one thread receives on a handle, one sends (it may be the same); windivert_shut() from
 * any.  No allocation after windivert_open().
 * Errors: what went wrong with WinDivertOpen is told as what to do about it (windivert_form.h). */
#ifndef WEIR_PORT_WINDIVERT_H
#define WEIR_PORT_WINDIVERT_H

#include "port/port.h"
#include "port/windivert_form.h"

/* Flags of WinDivertOpen. */
enum windivert_flag {
	WINDIVERT_SNIFF = 1,
	WINDIVERT_DROP = 2,
	WINDIVERT_RECV_ONLY = 4,
	WINDIVERT_SEND_ONLY = 8,
	WINDIVERT_NO_INSTALL = 16,
	WINDIVERT_FRAGMENTS = 32,
};

#define WINDIVERT_BATCH    255    /* packets or events a call, at most */
#define WINDIVERT_LONGEST  65575U /* bytes: longer packets are never delivered */
#define WINDIVERT_PRIORITY 30000  /* from -30000 on; larger sees packets earlier */

/* The limits of a handle's queue in the driver; beyond them the oldest packets are dropped, and
 * nobody is told. */
struct windivert_limits {
	uint64_t packets, time_ms, bytes;
};

struct windivert;
struct windivert_handle;

/* WEIR_ERR_ABSENT: there is no DLL; WEIR_ERR_UNSUPPORTED: it is none of WinDivert 2.2 or later. */
int windivert_load(struct windivert **w, struct weir_error *err) MUST_CHECK;
void windivert_unload(struct windivert *w);
/* Where it is looked for; UTF-8. */
void windivert_path(char *text, size_t size);

struct windivert_how {
	const char *filter; /* in WinDivert's words */
	enum windivert_layer layer;
	int priority;
	unsigned flags;        /* enum windivert_flag */
	unsigned batch;        /* 1 .. WINDIVERT_BATCH packets or events a request */
	uint32_t buffer_bytes; /* for its packets; 0: events have none */
};

int windivert_open(struct windivert_handle **h, struct windivert *w,
		   const struct windivert_how *how, struct weir_error *err) MUST_CHECK;
/* Ends what is under way.  Packets that are still queued go their way.  NULL is allowed. */
void windivert_close(struct windivert_handle *h);
/* The memory of its buffer. */
uint64_t windivert_memory(const struct windivert_how *how);

/* Sets each limit to the most that WinDivert takes, and reads back what it has. */
int windivert_raise_limits(struct windivert_handle *h, struct windivert_limits *limits,
			   struct weir_error *err) MUST_CHECK;
/* The driver's version: 2.2 is (2, 2). */
int windivert_version(struct windivert_handle *h, unsigned *major, unsigned *minor,
		      struct weir_error *err) MUST_CHECK;

struct windivert_got {
	const uint8_t *packets; /* back to back; NULL: events */
	uint32_t length;
	const uint8_t *addresses; /* `count` times WINDIVERT_ADDRESS_BYTES */
	unsigned count;
	/* The last packet was longer than the buffer: what did not fit is gone. */
	bool is_cut;
};

/* 1: something came; 0: nothing within timeout_ns (negative: for ever), or `also` is set (NULL:
 * none); WEIR_ERR_CLOSED: nothing will come any more; else an error. */
int windivert_receive(struct windivert_handle *h, const struct port_event *also,
		      int64_t timeout_ns, struct windivert_got *got,
		      struct weir_error *err) MUST_CHECK;
/* As received, or made by hand.  After an error it is not known which of several packets were sent: where
 * the driver refuses one it goes on with those behind it, where it finds a length that cannot be or has
 * no memory it ends there, and it tells neither.  So nothing of a call that failed may be sent again.
 * WEIR_ERR_LIMIT: an impostor's time to live has run out (that one is not sent). */
int windivert_send(struct windivert_handle *h, const uint8_t *packets, uint32_t length,
		   const uint8_t *addresses, unsigned count,
		   struct weir_error *err) MUST_CHECK;
/* Nothing new is queued from now on. */
void windivert_shut(struct windivert_handle *h);
/* From now on windivert_receive() asks the driver for nothing more: it hands out what our buffer holds
 * already, which nobody else has, and then ends with WEIR_ERR_CLOSED.  What the driver still queues
 * goes its way when the handle is closed. */
void windivert_settle(struct windivert_handle *h);

/* Whether WinDivert's own compiler takes the text; else *error and *at say what it says. */
bool windivert_compiles(struct windivert *w, const char *filter,
			enum windivert_layer layer, const char **error, unsigned *at);

/* Not Windows, but wine: no driver, no packets. */
bool windivert_is_wine(void);
/* From now on the calling thread runs before the others of this process. */
void windivert_raise_thread(void);

/* Ticks of addresses: the counter now, and how many make a second. */
int64_t windivert_ticks(void);
int64_t windivert_ticks_per_s(void);
/* One instant on both clocks: the counter before and after the real-time clock was read, the
 * narrowest of some tries. */
void windivert_anchor(int64_t *before, int64_t *after, int64_t *utc_ns);

/* A driver of WinDivert as the service manager has it. */
struct windivert_service {
	char name[32];     /* "WinDivert" */
	char state[32];    /* "running", "stopped", ... */
	char image[512];   /* the file it runs from, as it is written there; UTF-8 */
	bool is_elsewhere; /* that is not the one beside this program */
};

/* Up to `max` of them, without starting anything; returns how many there are.  WEIR_ERR_PRIVILEGE
 * and others: the service manager does not say. */
int windivert_services(struct windivert_service *services, unsigned max,
		       struct weir_error *err) MUST_CHECK;

#endif
