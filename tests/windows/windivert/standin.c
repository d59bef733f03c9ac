/* The calls of WinDivert 2.2, by their documentation, and by what the DLL and the driver do. */
#include "standin.h"

#include <stdio.h>
#include <stdlib.h>

#define CALL __declspec(dllexport)

#define FLAG_SNIFF     1
#define FLAG_RECV_ONLY 4
#define FLAG_SEND_ONLY 8
#define FLAGS_KNOWN    63
#define ADDRESS_BYTES  80
#define BATCH          255
#define UNREACHABLE    1231
#define IMPOSTOR_OVER  1232
#define OVERHEAD_BYTES 128 /* of a packet in the queue */
#define SOME           16

/* What wine and Windows turn into the errors 232, 122 and 995. */
#define STATUS_NO_DATA   ((DWORD)0xC00000D9)
#define STATUS_TOO_SMALL ((DWORD)0xC0000023)
#define STATUS_ABORTED   ((DWORD)0xC0000120)

CALL HANDLE WINAPI WinDivertOpen(const char *, int, INT16, UINT64);
CALL BOOL WINAPI WinDivertRecvEx(HANDLE, VOID *, UINT, UINT *, UINT64, VOID *, UINT *,
				 LPOVERLAPPED);
CALL BOOL WINAPI WinDivertRecv(HANDLE, VOID *, UINT, UINT *, VOID *);
CALL BOOL WINAPI WinDivertSendEx(HANDLE, const VOID *, UINT, UINT *, UINT64, const VOID *,
				 UINT, LPOVERLAPPED);
CALL BOOL WINAPI WinDivertSend(HANDLE, const VOID *, UINT, UINT *, const VOID *);
CALL BOOL WINAPI WinDivertShutdown(HANDLE, int);
CALL BOOL WINAPI WinDivertClose(HANDLE);
CALL BOOL WINAPI WinDivertSetParam(HANDLE, int, UINT64);
CALL BOOL WINAPI WinDivertGetParam(HANDLE, int, UINT64 *);
CALL BOOL WINAPI WinDivertHelperCompileFilter(const char *, int, char *, UINT,
					      const char **, UINT *);

static BOOL fail(DWORD error)
{
	SetLastError(error);
	return FALSE;
}

static struct standin_handle *find(HANDLE event)
{
	for (UINT i = 0; i < STANDIN_HANDLES; i++)
		if (standin.handles[i] && standin.handles[i]->event == event)
			return standin.handles[i];
	return NULL;
}

static void drop_first(struct standin_handle *h)
{
	h->size -= h->queue[h->first].length + OVERHEAD_BYTES;
	h->first = (h->first + 1) % STANDIN_PACKETS;
	h->count--;
}

static void drop_old(struct standin_handle *h, INT64 now)
{
	LARGE_INTEGER hz;

	(void)QueryPerformanceFrequency(&hz);
	while (h->count && (now - h->queue[h->first].ticks) * 1000 / hz.QuadPart >
				   (INT64)h->limits[1]) {
		drop_first(h);
		standin.dropped++;
	}
}

/* In front of the newest the oldest go, until it fits. */
static void enqueue(struct standin_handle *h, const struct standin_packet *p)
{
	drop_old(h, p->ticks);
	while (h->count && (h->count >= h->limits[0] || h->count >= STANDIN_PACKETS ||
			    h->size + p->length + OVERHEAD_BYTES > h->limits[2])) {
		drop_first(h);
		standin.dropped++;
	}
	h->queue[(h->first + h->count++) % STANDIN_PACKETS] = *p;
	h->size += p->length + OVERHEAD_BYTES;
	if (h->flags & FLAG_SNIFF)
		standin_write(p->bytes, p->length);
}

/* Without a rate the queue is filled as it is asked for. */
static void feed(struct standin_handle *h)
{
	struct standin_packet p;

	while (!standin.rate && h->is_fed && !h->is_shut && h->count < 512 &&
	       standin_next(&p))
		enqueue(h, &p);
}

static BOOL is_outbound(const BYTE *b, UINT length)
{
	if (length >= 20 && b[0] >> 4 == 4)
		return b[12] == 10 || b[12] == 127;
	return length >= 40 && b[0] >> 4 == 6 && b[8] == 0xfd;
}

static void put_address(BYTE *a, const struct standin_packet *p,
			const struct standin_handle *h)
{
	/* What is forwarded is outbound, too. */
	BOOL is_out = h->layer || is_outbound(p->bytes, p->length);
	BOOL is_loop = p->length >= 20 && p->bytes[0] >> 4 == 4 && p->bytes[12] == 127;
	UINT index = is_loop ? 1 : 12 + p->number % 2;
	BYTE bits = 0;

	memset(a, 0, ADDRESS_BYTES);
	memcpy(a, &p->ticks, 8);
	a[8] = (BYTE)(p->number == standin.bad ? 99 : h->layer);
	bits |= h->flags & FLAG_SNIFF ? 1 : 0;
	/* Clear: left to the card, or checked by it. */
	bits |= is_out ? 2 : 0;
	bits |= (p->number % 4 == 0) == is_out ? 0xe0 : 0;
	bits |= is_loop ? 4 : 0;
	bits |= standin.impostor && p->number % standin.impostor == 0 ? 8 : 0;
	bits |= p->bytes[0] >> 4 == 6 ? 0x10 : 0;
	a[10] = bits;
	memcpy(a + 16, &index, 4);
}

static void end_request(const struct standin_request *r, DWORD status)
{
	if (r->address_bytes)
		*r->address_bytes = r->count * ADDRESS_BYTES;
	r->overlapped->InternalHigh = r->bytes;
	MemoryBarrier();
	r->overlapped->Internal = status;
	(void)SetEvent(r->overlapped->hEvent);
}

static void complete(const struct standin_request *r)
{
	end_request(r, !r->count ? STATUS_NO_DATA : r->is_cut ? STATUS_TOO_SMALL : 0);
}

/* The first packet of the queue, behind those that the buffer has; FALSE: it takes no more. */
static BOOL take_first(struct standin_handle *h, struct standin_request *r)
{
	const struct standin_packet *p = &h->queue[h->first];
	UINT most = r->address_bytes ? *r->address_bytes / ADDRESS_BYTES : 1;
	BYTE *to = (BYTE *)r->packets + r->bytes;
	UINT room = p->number == standin.cut ? p->length / 2 : r->room - r->bytes;
	UINT length = room < p->length ? room : p->length;

	most = most > BATCH ? BATCH : most;
	most = standin.batch && most > standin.batch ? standin.batch : most;
	if (!h->count || r->count == most || (length < p->length && r->count))
		return FALSE;
	r->is_cut = length < p->length;
	memcpy(to, p->bytes, length);
	if (p->number == standin.junk)
		to[2] = to[3] = 0;
	put_address((BYTE *)r->addresses + r->count * ADDRESS_BYTES, p, h);
	r->bytes += length;
	r->count++;
	standin.received++;
	drop_first(h);
	return !r->is_cut;
}

/* Of two requests each is another thread's of the driver, and packets are taken in turn. */
static UINT deal(struct standin_handle *h)
{
	UINT n = h->pending_count > 1 && h->count > 1 ? 2 : 1;
	BOOL is_open[2] = { TRUE, n > 1 };

	while (is_open[0] || is_open[1])
		for (UINT i = 0; i < n; i++)
			is_open[i] = is_open[i] && take_first(h, &h->pending[i]);
	return n;
}

/* What can be answered is. */
static void serve(struct standin_handle *h)
{
	UINT done = 0;

	while (h->pending_count) {
		feed(h);
		drop_old(h, standin_ticks());
		if (!h->count && !h->is_shut)
			break;
		done = h->count ? deal(h) : 1;
		for (UINT i = 0; i < done; i++)
			complete(&h->pending[i]);
		h->pending_count -= done;
		memmove(h->pending, h->pending + done,
			h->pending_count * sizeof h->pending[0]);
	}
	if (done)
		standin_tell();
}

static void feed_due(UINT64 *given, INT64 began, INT64 hz)
{
	UINT64 due = (UINT64)(standin_ticks() - began) * standin.rate / (UINT64)hz;
	struct standin_handle *h = NULL;
	struct standin_packet p;

	for (UINT i = 0; i < STANDIN_HANDLES; i++)
		if (standin.handles[i] && standin.handles[i]->is_fed &&
		    !standin.handles[i]->is_shut)
			h = standin.handles[i];
	while (*given < due && standin_next(&p)) {
		/* When it was due, not when we came to it: the driver has its own processor. */
		p.ticks = began + (INT64)(*given * (UINT64)hz / standin.rate);
		++*given;
		if (h) {
			enqueue(h, &p);
			/* As the driver: a call that waits has what comes, before the queue fills.
			 * Two of them are for two threads, which come when there is some. */
			if (h->pending_count == 1 || h->count >= SOME)
				serve(h);
			continue;
		}
		/* Nobody takes it: it passes. */
		standin_write(p.bytes, p.length);
		standin.passed++;
	}
	if (h)
		serve(h);
}

static DWORD WINAPI feed_at_rate(void *arg)
{
	LARGE_INTEGER hz;
	INT64 began = standin_ticks();
	UINT64 given = 0;

	(void)arg;
	(void)QueryPerformanceFrequency(&hz);
	for (;;) {
		EnterCriticalSection(&standin.lock);
		feed_due(&given, began, hz.QuadPart);
		LeaveCriticalSection(&standin.lock);
		Sleep(1);
	}
	return 0;
}

HANDLE WINAPI WinDivertOpen(const char *filter, int layer, INT16 priority, UINT64 flags)
{
	struct standin_handle *h;
	UINT slot = 0;

	standin_begin();
	if (standin.error || layer > 1 || flags & ~(UINT64)FLAGS_KNOWN ||
	    priority > 30000) {
		(void)fail(standin.error ? standin.error : ERROR_INVALID_PARAMETER);
		return INVALID_HANDLE_VALUE;
	}
	h = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, sizeof *h);
	if (!h)
		return INVALID_HANDLE_VALUE;
	h->event = CreateEventA(NULL, TRUE, FALSE, NULL);
	h->flags = flags;
	h->layer = layer;
	h->limits[0] = 4096;
	h->limits[1] = 2000;
	h->limits[2] = 4194304;
	h->is_fed = strcmp(filter, "false") != 0;
	EnterCriticalSection(&standin.lock);
	while (slot < STANDIN_HANDLES - 1 && standin.handles[slot])
		slot++;
	standin.handles[slot] = h;
	if (h->is_fed) {
		if (!standin.opens++ && standin.rate)
			(void)CloseHandle(
				CreateThread(NULL, 0, feed_at_rate, NULL, 0, NULL));
		standin.last_flags = flags;
		(void)snprintf(standin.filter, sizeof standin.filter, "%.200s", filter);
	}
	standin_tell();
	LeaveCriticalSection(&standin.lock);
	return h->event;
}

BOOL WINAPI WinDivertRecvEx(HANDLE handle, VOID *packets, UINT room, UINT *length,
			    UINT64 flags, VOID *addresses, UINT *address_bytes,
			    LPOVERLAPPED overlapped)
{
	struct standin_handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	if (flags || h->flags & FLAG_SEND_ONLY || !overlapped || length ||
	    h->pending_count == STANDIN_PENDING)
		return fail(ERROR_INVALID_PARAMETER);
	EnterCriticalSection(&standin.lock);
	overlapped->Internal = STATUS_PENDING;
	h->pending[h->pending_count++] =
		(struct standin_request){ .packets = packets,
					  .addresses = addresses,
					  .room = room,
					  .address_bytes = address_bytes,
					  .overlapped = overlapped };
	serve(h);
	LeaveCriticalSection(&standin.lock);
	return fail(ERROR_IO_PENDING);
}

BOOL WINAPI WinDivertRecv(HANDLE handle, VOID *packets, UINT room, UINT *length,
			  VOID *address)
{
	(void)handle;
	(void)packets;
	(void)room;
	(void)length;
	(void)address;
	return fail(ERROR_CALL_NOT_IMPLEMENTED);
}

/* An impostor's time to live goes down by one, and may not reach 0. */
static BOOL is_over(const BYTE *packet, UINT length, const BYTE *address)
{
	if (!(address[10] & 8))
		return FALSE;
	if (packet[0] >> 4 == 6)
		return length >= 40 && packet[7] <= 1;
	return length >= 20 && packet[8] <= 1;
}

/* By the lengths that the packets state; 0: the driver takes no such packet. */
static UINT stated_length(const BYTE *at, UINT left, DWORD *error)
{
	UINT length = 0;

	*error = ERROR_INSUFFICIENT_BUFFER;
	if (left < 20 || (at[0] >> 4 == 6 && left < 40))
		return 0;
	if (at[0] >> 4 == 4)
		length = (UINT)(at[2] << 8 | at[3]);
	else if (at[0] >> 4 == 6)
		length = 40U + (UINT)(at[4] << 8 | at[5]);
	if (length < 20)
		*error = ERROR_INVALID_PARAMETER;
	return length < 20 || length > left ? 0 : length;
}

static DWORD refusal(const BYTE *packet, UINT length, const BYTE *address)
{
	if (standin.tried == standin.refuse)
		return UNREACHABLE;
	return is_over(packet, length, address) ? IMPOSTOR_OVER : 0;
}

/* One that is refused is passed over, and its error is that of the call; where a packet is none, or
 * memory has ended, the call ends there, and what was in front of it is on its way. */
static DWORD send_all(const BYTE *at, UINT left, const BYTE *address, UINT count,
		      UINT *sent)
{
	DWORD error = 0, refused, end;

	for (UINT i = 0; i < count; i++) {
		UINT n = stated_length(at, left, &end);

		if (!n)
			return end;
		standin.tried++;
		if (standin.tried == standin.exhaust)
			return ERROR_NO_SYSTEM_RESOURCES;
		refused = refusal(at, n, address + i * ADDRESS_BYTES);
		if (refused) {
			error = refused;
			standin.refused++;
		} else {
			standin_write(at, n);
			standin.sent++;
		}
		*sent += n;
		at += n;
		left -= n;
	}
	return error;
}

BOOL WINAPI WinDivertSendEx(HANDLE handle, const VOID *packets, UINT length, UINT *sent,
			    UINT64 flags, const VOID *addresses, UINT address_bytes,
			    LPOVERLAPPED overlapped)
{
	struct standin_handle *h = find(handle);
	UINT bytes = 0;
	DWORD error;

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	if (flags || overlapped || h->flags & FLAG_RECV_ONLY ||
	    address_bytes < ADDRESS_BYTES)
		return fail(ERROR_INVALID_PARAMETER);
	if (standin.send_ms)
		Sleep(standin.send_ms);
	EnterCriticalSection(&standin.lock);
	error = send_all(packets, length, addresses, address_bytes / ADDRESS_BYTES,
			 &bytes);
	standin_tell();
	LeaveCriticalSection(&standin.lock);
	/* Of a call that failed nothing is told. */
	if (error)
		return fail(error);
	if (sent)
		*sent = bytes;
	return TRUE;
}

BOOL WINAPI WinDivertSend(HANDLE handle, const VOID *packet, UINT length, UINT *sent,
			  const VOID *address)
{
	return WinDivertSendEx(handle, packet, length, sent, 0, address, ADDRESS_BYTES,
			       NULL);
}

BOOL WINAPI WinDivertShutdown(HANDLE handle, int how)
{
	struct standin_handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	if (how < 1 || how > 3)
		return fail(ERROR_INVALID_PARAMETER);
	EnterCriticalSection(&standin.lock);
	h->is_shut = TRUE;
	serve(h);
	LeaveCriticalSection(&standin.lock);
	return TRUE;
}

/* What is still queued goes its way. */
BOOL WINAPI WinDivertClose(HANDLE handle)
{
	struct standin_handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	EnterCriticalSection(&standin.lock);
	for (; h->count; drop_first(h)) {
		if (h->flags & FLAG_SNIFF)
			continue;
		standin_write(h->queue[h->first].bytes, h->queue[h->first].length);
		standin.released++;
	}
	for (UINT i = 0; i < h->pending_count; i++)
		end_request(&h->pending[i], STATUS_ABORTED);
	for (UINT i = 0; i < STANDIN_HANDLES; i++)
		if (standin.handles[i] == h)
			standin.handles[i] = NULL;
	standin_tell();
	LeaveCriticalSection(&standin.lock);
	(void)CloseHandle(h->event);
	(void)HeapFree(GetProcessHeap(), 0, h);
	return TRUE;
}

BOOL WINAPI WinDivertSetParam(HANDLE handle, int param, UINT64 value)
{
	static const UINT64 least[] = { 32, 100, 65535 };
	struct standin_handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	if (param < 0 || param > 2 || value < least[param])
		return fail(ERROR_INVALID_PARAMETER);
	/* What a test lowers is lowered; the real one refuses what is too much. */
	if (value > (param == 0 ? 16384U : param == 1 ? 16000U : 33554432U))
		return fail(ERROR_INVALID_PARAMETER);
	h->limits[param] = value < standin.most[param] ? value : standin.most[param];
	return TRUE;
}

BOOL WINAPI WinDivertGetParam(HANDLE handle, int param, UINT64 *value)
{
	struct standin_handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	if (param < 0 || param > 4)
		return fail(ERROR_INVALID_PARAMETER);
	*value = param > 2 ? 2 : h->limits[param];
	return TRUE;
}

BOOL WINAPI WinDivertHelperCompileFilter(const char *filter, int layer, char *object,
					 UINT length, const char **error, UINT *at)
{
	(void)layer;
	(void)object;
	(void)length;
	if (error)
		*error = "No error";
	if (at)
		*at = 0;
	return filter && *filter;
}
