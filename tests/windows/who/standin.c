/* A stand-in for WinDivert.dll that plays a script: packets, events of flows and of sockets, in an
 * order and with times that are written down, so that what comes late and what comes early is no matter
 * of luck.  (tests/windows/windivert has the one for packets in bulk.)  By the environment:
 *
 *	STANDIN_SCRIPT   the script (script.py makes it)
 *	STANDIN_PEER     the id of another process
 *	STANDIN_ERROR    WinDivertOpen() of the layers flow and socket ends with this error
 *	STANDIN_FILTERS  a file that gets a line `LAYER FILTER` a handle
 *
 * A script is a count of handles, 32 bits, and then steps: layer 8, whose process 8 (0: as it stands, 1:
 * who has loaded us, 2: STANDIN_PEER), milliseconds to wait 16, bytes 32, an address record, the
 * packet.  Ticks of the record are in 100 ns behind the script's begin, which is when so many handles
 * are receiving.  A step of layer 255 waits until all events have been taken and worked on. */
#include "port/windows/win.h"

#include <stdio.h>
#include <stdlib.h>

#define CALL __declspec(dllexport)

#define ADDRESS_BYTES 80
#define STEP_BYTES    8
#define LAYERS        4
#define PENDING       16
#define BARRIER       255
#define STATUS_CLOSED ((DWORD)0xC00000D9)
#define STATUS_ENDED  ((DWORD)0xC0000120)

/* What is declared here no header of ours has. */
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

struct request {
	BYTE *packet, *address;
	UINT room, *address_bytes;
	OVERLAPPED *overlapped;
};

struct handle {
	HANDLE event; /* what the caller has; NULL: not open */
	struct request pending[PENDING];
	UINT pending_count, most_pending;
	UINT held; /* events in two of them that wait for a third */
	UINT64 limits[3];
	BOOL is_shut;
};

static struct {
	SRWLOCK lock;
	CONDITION_VARIABLE changed;
	struct handle handles[LAYERS];
	BYTE *script;
	UINT script_bytes;
	BOOL is_begun;
} play;

static BOOL fail(DWORD error)
{
	SetLastError(error);
	return FALSE;
}

static struct handle *find(HANDLE event)
{
	for (UINT i = 0; i < LAYERS; i++)
		if (event && play.handles[i].event == event)
			return &play.handles[i];
	return NULL;
}

static void complete(struct handle *h, DWORD status, UINT bytes, UINT count)
{
	struct request r = h->pending[0];

	h->pending_count--;
	memmove(h->pending, h->pending + 1, h->pending_count * sizeof r);
	if (r.address_bytes)
		*r.address_bytes = count * ADDRESS_BYTES;
	r.overlapped->InternalHigh = bytes;
	MemoryBarrier();
	r.overlapped->Internal = status;
	(void)SetEvent(r.overlapped->hEvent);
}

static UINT receiving(void)
{
	UINT n = 0;

	for (UINT i = 0; i < LAYERS; i++)
		n += play.handles[i].pending_count != 0;
	return n;
}

/* A request that was answered comes back once what it brought has been worked on. */
static BOOL all_worked_on(void)
{
	for (UINT i = 2; i < LAYERS; i++)
		if (play.handles[i].event && !play.handles[i].is_shut &&
		    play.handles[i].pending_count < play.handles[i].most_pending)
			return FALSE;
	return TRUE;
}

static UINT number(const char *name)
{
	const char *text = getenv(name);

	return text ? (UINT)strtoul(text, NULL, 10) : 0;
}

static void put_address(BYTE *to, const BYTE *from, UINT whose, INT64 began)
{
	UINT pid = whose == 1 ? GetCurrentProcessId() : number("STANDIN_PEER");
	LARGE_INTEGER hz;
	INT64 ticks;

	(void)QueryPerformanceFrequency(&hz);
	memcpy(to, from, ADDRESS_BYTES);
	memcpy(&ticks, from, sizeof ticks);
	ticks = began + ticks * hz.QuadPart / 10000000;
	memcpy(to, &ticks, sizeof ticks);
	if (whose)
		memcpy(to + 32, &pid, sizeof pid);
}

/* What is held is held no longer. */
static void let_go(struct handle *h)
{
	UINT held = h->held;

	h->held = 0;
	if (held)
		complete(h, 0, 0, held > 2 ? 2 : 1);
	if (held > 1)
		complete(h, 0, 0, 1);
}

/* As the driver, of whose threads each has one of two requests: the first event goes into the one, the
 * second into the other, the third behind the first. */
static void play_event(struct handle *h, const BYTE *address, UINT whose, INT64 began)
{
	const struct request *r = &h->pending[h->held == 1];
	BYTE *to = r->address + (h->held == 2 ? ADDRESS_BYTES : 0);

	put_address(to, address, whose, began);
	if (h->pending_count < 2 || *r->address_bytes < 2 * ADDRESS_BYTES) {
		complete(h, 0, 0, 1);
		return;
	}
	h->held++;
	if (h->held == 3)
		let_go(h);
}

/* With the lock. */
static void play_step(const BYTE *step, UINT length, INT64 began)
{
	struct handle *h = &play.handles[step[0] % LAYERS];
	const BYTE *body = step + STEP_BYTES;
	UINT bytes = length - ADDRESS_BYTES;

	/* Who is not there misses it. */
	while (h->event && !h->is_shut && !h->pending_count)
		(void)SleepConditionVariableSRW(&play.changed, &play.lock, INFINITE, 0);
	if (!h->event || h->is_shut)
		return;
	for (UINT i = 0; i < LAYERS; i++)
		if (i != step[0] % LAYERS)
			let_go(&play.handles[i]);
	if (!bytes) {
		play_event(h, body, step[1], began);
		return;
	}
	put_address(h->pending[0].address, body, step[1], began);
	if (bytes <= h->pending[0].room)
		memcpy(h->pending[0].packet, body + ADDRESS_BYTES, bytes);
	complete(h, 0, bytes, 1);
}

static void let_all_go(void)
{
	for (UINT i = 0; i < LAYERS; i++)
		let_go(&play.handles[i]);
}

static DWORD WINAPI run(void *arg)
{
	UINT at = 4, handles, wait_ms, length;
	LARGE_INTEGER began;

	(void)arg;
	memcpy(&handles, play.script, sizeof handles);
	if (number("STANDIN_ERROR"))
		handles = 1;
	AcquireSRWLockExclusive(&play.lock);
	while (receiving() < handles)
		(void)SleepConditionVariableSRW(&play.changed, &play.lock, INFINITE, 0);
	(void)QueryPerformanceCounter(&began);
	while (at + STEP_BYTES <= play.script_bytes) {
		const BYTE *step = play.script + at;

		wait_ms = (UINT)(step[2] | step[3] << 8);
		memcpy(&length, step + 4, sizeof length);
		if (wait_ms || step[0] == BARRIER)
			let_all_go();
		if (wait_ms) {
			ReleaseSRWLockExclusive(&play.lock);
			Sleep(wait_ms);
			AcquireSRWLockExclusive(&play.lock);
		}
		while (step[0] == BARRIER && !all_worked_on())
			(void)SleepConditionVariableSRW(&play.changed, &play.lock,
							INFINITE, 0);
		if (step[0] != BARRIER)
			play_step(step, length, began.QuadPart);
		at += STEP_BYTES + length;
	}
	let_all_go();
	ReleaseSRWLockExclusive(&play.lock);
	return 0;
}

static void read_script(void)
{
	const char *name = getenv("STANDIN_SCRIPT");
	HANDLE file = name ? CreateFileA(name, GENERIC_READ, FILE_SHARE_READ, NULL,
					 OPEN_EXISTING, 0, NULL)
			   : INVALID_HANDLE_VALUE;
	DWORD got = 0;

	play.script = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, 1U << 20);
	if (play.script && file != INVALID_HANDLE_VALUE)
		(void)ReadFile(file, play.script, 1U << 20, &got, NULL);
	play.script_bytes = got;
	(void)CloseHandle(file);
}

static void note_filter(int layer, const char *filter)
{
	const char *name = getenv("STANDIN_FILTERS");
	char line[4096];
	DWORD done;
	HANDLE file;
	int n = snprintf(line, sizeof line, "%d %s\n", layer, filter);

	if (!name || n < 0 || n >= (int)sizeof line)
		return;
	file = CreateFileA(name, FILE_APPEND_DATA, FILE_SHARE_READ, NULL, OPEN_ALWAYS, 0,
			   NULL);
	(void)WriteFile(file, line, (DWORD)n, &done, NULL);
	(void)CloseHandle(file);
}

HANDLE WINAPI WinDivertOpen(const char *filter, int layer, INT16 priority, UINT64 flags)
{
	struct handle *h = &play.handles[layer % LAYERS];
	UINT error = number("STANDIN_ERROR");

	(void)priority;
	/* FLOW wants SNIFF and RECV_ONLY, SOCKET RECV_ONLY. */
	if ((layer == 2 && (flags & 5) != 5) || (layer == 3 && !(flags & 4)) || layer > 3)
		error = ERROR_INVALID_PARAMETER;
	if (error && (layer >= 2 || error == ERROR_INVALID_PARAMETER)) {
		(void)fail(error);
		return INVALID_HANDLE_VALUE;
	}
	AcquireSRWLockExclusive(&play.lock);
	note_filter(layer, filter);
	*h = (struct handle){ .event = CreateEventA(NULL, TRUE, FALSE, NULL),
			      .limits = { 4096, 2000, 4194304 } };
	if (!play.is_begun) {
		play.is_begun = TRUE;
		read_script();
		if (play.script_bytes > 4)
			(void)CloseHandle(CreateThread(NULL, 0, run, NULL, 0, NULL));
	}
	ReleaseSRWLockExclusive(&play.lock);
	return h->event;
}

BOOL WINAPI WinDivertRecvEx(HANDLE handle, VOID *packet, UINT room, UINT *length,
			    UINT64 flags, VOID *address, UINT *address_bytes,
			    LPOVERLAPPED overlapped)
{
	struct handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	if (flags || length || !overlapped || h->pending_count == PENDING)
		return fail(ERROR_INVALID_PARAMETER);
	AcquireSRWLockExclusive(&play.lock);
	overlapped->Internal = STATUS_PENDING;
	h->pending[h->pending_count++] = (struct request){ .packet = packet,
							   .address = address,
							   .room = room,
							   .address_bytes = address_bytes,
							   .overlapped = overlapped };
	if (h->pending_count > h->most_pending)
		h->most_pending = h->pending_count;
	if (h->is_shut)
		complete(h, STATUS_CLOSED, 0, 0);
	WakeAllConditionVariable(&play.changed);
	ReleaseSRWLockExclusive(&play.lock);
	return fail(ERROR_IO_PENDING);
}

BOOL WINAPI WinDivertRecv(HANDLE handle, VOID *packet, UINT room, UINT *length,
			  VOID *address)
{
	(void)handle;
	(void)packet;
	(void)room;
	(void)length;
	(void)address;
	return fail(ERROR_CALL_NOT_IMPLEMENTED);
}

BOOL WINAPI WinDivertSendEx(HANDLE handle, const VOID *packets, UINT length, UINT *sent,
			    UINT64 flags, const VOID *addresses, UINT address_bytes,
			    LPOVERLAPPED overlapped)
{
	(void)packets;
	(void)flags;
	(void)addresses;
	(void)address_bytes;
	(void)overlapped;
	if (sent)
		*sent = length;
	return find(handle) ? TRUE : fail(ERROR_INVALID_HANDLE);
}

BOOL WINAPI WinDivertSend(HANDLE handle, const VOID *packet, UINT length, UINT *sent,
			  const VOID *address)
{
	return WinDivertSendEx(handle, packet, length, sent, 0, address, ADDRESS_BYTES,
			       NULL);
}

static BOOL end_pending(HANDLE handle, DWORD status, BOOL is_closed)
{
	struct handle *h = find(handle);

	if (!h)
		return fail(ERROR_INVALID_HANDLE);
	AcquireSRWLockExclusive(&play.lock);
	let_go(h);
	h->is_shut = TRUE;
	while (h->pending_count)
		complete(h, status, 0, 0);
	if (is_closed)
		h->event = NULL;
	WakeAllConditionVariable(&play.changed);
	ReleaseSRWLockExclusive(&play.lock);
	return TRUE;
}

BOOL WINAPI WinDivertShutdown(HANDLE handle, int how)
{
	return how < 1 || how > 3 ? fail(ERROR_INVALID_PARAMETER)
				  : end_pending(handle, STATUS_CLOSED, FALSE);
}

BOOL WINAPI WinDivertClose(HANDLE handle)
{
	BOOL is_good = end_pending(handle, STATUS_ENDED, TRUE);

	if (is_good)
		(void)CloseHandle(handle);
	return is_good;
}

BOOL WINAPI WinDivertSetParam(HANDLE handle, int param, UINT64 value)
{
	struct handle *h = find(handle);

	if (!h || param < 0 || param > 2)
		return fail(h ? ERROR_INVALID_PARAMETER : ERROR_INVALID_HANDLE);
	h->limits[param] = value;
	return TRUE;
}

BOOL WINAPI WinDivertGetParam(HANDLE handle, int param, UINT64 *value)
{
	const struct handle *h = find(handle);

	if (!h || param < 0 || param > 4)
		return fail(h ? ERROR_INVALID_PARAMETER : ERROR_INVALID_HANDLE);
	*value = param < 3 ? h->limits[param] : 2;
	return TRUE;
}

BOOL WINAPI WinDivertHelperCompileFilter(const char *filter, int layer, char *object,
					 UINT length, const char **error, UINT *at)
{
	(void)filter;
	(void)layer;
	(void)object;
	(void)length;
	*error = NULL;
	*at = 0;
	return TRUE;
}
