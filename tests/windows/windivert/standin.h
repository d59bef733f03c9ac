/* A stand-in for WinDivert.dll, for tests: packets come from a pcap file instead of the network, and
 * what is sent goes into another one.  It keeps the rules of WinDivert's handles as they are
 * documented: limits of the queue with the oldest packets dropped, batches, overlapped receiving,
 * shut-down, errors.  What it does is set by the environment, else by standin.ini beside it:
 *
 *	STANDIN_IN       pcap, link type RAW: the packets
 *	STANDIN_OUT      pcap to be made: what reaches the other side
 *	STANDIN_LOG      file whose one line of JSON has the counts, always up to date
 *	STANDIN_ERROR    WinDivertOpen() ends with this error
 *	STANDIN_RATE     packets a second (else as fast as they are taken, and none is dropped)
 *	STANDIN_SEND_MS  how long a call that sends takes
 *	STANDIN_BATCH    packets a call, at most
 *	STANDIN_LENGTH, STANDIN_TIME   the most that the limits of the queue can be set to
 *	STANDIN_CUT      the number of a packet that is handed over in part (error 122)
 *	STANDIN_BAD      the number of a packet whose address record is none
 *	STANDIN_IMPOSTOR each packet of this number and its multiples is an impostor
 *	STANDIN_JUNK     the number of a packet whose length field is made 0
 *	STANDIN_REFUSE   the number of a packet, counted as they are sent, that is refused (error 1231)
 *	STANDIN_EXHAUST  of one at which the call that sends it ends for want of memory (error 1450)
 *
 * Packets are outbound from 10.0.0.0/8 and fd00::/8, loopback from 127.0.0.0/8. */
#ifndef STANDIN_H
#define STANDIN_H

#include "port/windows/win.h"

#define STANDIN_PACKETS 16384 /* of a queue */
#define STANDIN_HANDLES 16
#define STANDIN_PENDING 16

struct standin_packet {
	const BYTE *bytes;
	UINT length;
	UINT number; /* from 1 */
	INT64 ticks;
};

/* A receive that waits. */
struct standin_request {
	void *packets, *addresses;
	UINT room, *address_bytes;
	OVERLAPPED *overlapped;
	UINT bytes, count; /* so far */
	BOOL is_cut;
};

struct standin_handle {
	HANDLE event; /* what the caller has */
	UINT64 flags;
	int layer;
	BOOL is_fed, is_shut;
	struct standin_packet queue[STANDIN_PACKETS];
	UINT first, count;
	UINT64 size;
	UINT64 limits[3];
	struct standin_request pending[STANDIN_PENDING];
	UINT pending_count;
};

/* feed.c */
struct standin {
	CRITICAL_SECTION lock; /* of all below */
	const BYTE *input;
	UINT64 input_bytes, at;
	UINT number;
	HANDLE out, log;
	UINT rate, send_ms, batch, cut, bad, impostor, junk, error;
	UINT refuse, exhaust;
	UINT64 most[3];
	BOOL is_ready;
	/* For the log. */
	UINT64 opens, fed, received, sent, tried, dropped, refused;
	UINT64 passed, released; /* without a handle; when one was closed */
	UINT64 last_flags;
	char filter[256];
	struct standin_handle *handles[STANDIN_HANDLES];
};

extern struct standin standin;

void standin_begin(void);
UINT64 standin_number(const char *name);
/* The next packet; FALSE: there is none. */
BOOL standin_next(struct standin_packet *p);
void standin_write(const BYTE *bytes, UINT length);
void standin_tell(void);
INT64 standin_ticks(void);

#endif
