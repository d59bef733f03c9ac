/* Threads that carry bytes between pipes and sockets.  Each holds one piece and waits for room: that
 * is the whole of the buffering, and the back-pressure.  They are waited for by nobody: they end with
 * what they carry between, and free it. */
#include "port/windows/net.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>

enum {
	PIECE = 32 * 1024,
	CANCEL_MS = 5 /* it may be about to wait, just not yet */
};

struct pump {
	HANDLE pipe;
	SOCKET socket;
	atomic_int threads; /* the last one closes */
};

static void pump_end(struct pump *p)
{
	if (atomic_fetch_sub(&p->threads, 1) != 1)
		return;
	(void)CloseHandle(p->pipe);
	(void)closesocket(p->socket);
	mem_free(p);
}

static struct pump *pump_new(HANDLE pipe, SOCKET s, int threads)
{
	struct pump *p = mem_new(1, sizeof *p);

	if (!p) {
		(void)CloseHandle(pipe);
		(void)closesocket(s);
		return NULL;
	}
	p->pipe = pipe;
	p->socket = s;
	atomic_init(&p->threads, threads);
	return p;
}

static bool run(LPTHREAD_START_ROUTINE routine, struct pump *p)
{
	HANDLE thread = CreateThread(NULL, 128 * 1024, routine, p, 0, NULL);

	if (!thread)
		pump_end(p);
	else
		(void)CloseHandle(thread);
	return thread != NULL;
}

static int no_thread(struct weir_error *err)
{
	return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a thread");
}

/* One direction, by pipes that wait. */

static DWORD WINAPI from_pipe(void *arg)
{
	struct pump *p = arg;
	char piece[PIECE / 4];
	DWORD n;

	while (ReadFile(p->pipe, piece, sizeof piece, &n, NULL)) {
		/* A program may write nothing, and live on. */
		if (n && !net_write_all(p->socket, piece, n))
			break;
	}
	(void)shutdown(p->socket, SD_SEND);
	pump_end(p);
	return 0;
}

static DWORD WINAPI to_pipe(void *arg)
{
	struct pump *p = arg;
	char piece[PIECE / 4];
	int n;

	while ((n = recv(p->socket, piece, sizeof piece, 0)) > 0) {
		DWORD done, at = 0;

		while (at < (DWORD)n &&
		       WriteFile(p->pipe, piece + at, (DWORD)n - at, &done, NULL))
			at += done;
		if (at < (DWORD)n)
			break;
	}
	pump_end(p);
	return 0;
}

int pump_from_pipe(HANDLE pipe, SOCKET s, struct weir_error *err)
{
	struct pump *p = pump_new(pipe, s, 1);

	return p && run(from_pipe, p) ? 0 : no_thread(err);
}

int pump_to_pipe(SOCKET s, HANDLE pipe, struct weir_error *err)
{
	struct pump *p = pump_new(pipe, s, 1);

	return p && run(to_pipe, p) ? 0 : no_thread(err);
}

/* Both, by one pipe: overlapped, because a handle that waits in one direction waits in both. */

static bool finish(HANDLE pipe, OVERLAPPED *o, BOOL is_begun, DWORD *n)
{
	if (!is_begun && GetLastError() != ERROR_IO_PENDING)
		return false;
	return GetOverlappedResult(pipe, o, n, TRUE);
}

DWORD pipe_read(HANDLE pipe, HANDLE event, void *bytes, DWORD size)
{
	OVERLAPPED o = { .hEvent = event };
	DWORD n = 0;

	return finish(pipe, &o, ReadFile(pipe, bytes, size, NULL, &o), &n) ? n : 0;
}

bool pipe_write(HANDLE pipe, HANDLE event, const void *bytes, DWORD length)
{
	const char *from = bytes;
	DWORD n, at = 0;

	while (at < length) {
		OVERLAPPED o = { .hEvent = event };

		if (!finish(pipe, &o, WriteFile(pipe, from + at, length - at, NULL, &o),
			    &n) ||
		    !n)
			return false;
		at += n;
	}
	return true;
}

static DWORD WINAPI duplex_in(void *arg)
{
	struct pump *p = arg;
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
	char *piece = mem_new(PIECE, 1);
	DWORD n;

	while (event && piece && (n = pipe_read(p->pipe, event, piece, PIECE)) > 0)
		if (!net_write_all(p->socket, piece, n))
			break;
	(void)shutdown(p->socket, SD_SEND);
	mem_free(piece);
	if (event)
		(void)CloseHandle(event);
	pump_end(p);
	return 0;
}

static DWORD WINAPI duplex_out(void *arg)
{
	struct pump *p = arg;
	HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
	char *piece = mem_new(PIECE, 1);
	int n;

	while (event && piece && (n = recv(p->socket, piece, PIECE, 0)) > 0)
		if (!pipe_write(p->pipe, event, piece, (DWORD)n))
			break;
	/* The other thread waits for what will not come.  What was written stays in the pipe for its
	 * reader when the handle is closed. */
	(void)shutdown(p->socket, SD_BOTH);
	while (atomic_load(&p->threads) > 1 && CancelIoEx(p->pipe, NULL) + 1)
		Sleep(CANCEL_MS);
	mem_free(piece);
	if (event)
		(void)CloseHandle(event);
	pump_end(p);
	return 0;
}

int pump_duplex(HANDLE pipe, SOCKET s, struct weir_error *err)
{
	struct pump *p = pump_new(pipe, s, 2);

	if (!p)
		return no_thread(err);
	if (run(duplex_in, p)) {
		if (run(duplex_out, p))
			return 0;
		/* The first one ends with its client. */
		(void)shutdown(s, SD_BOTH);
	} else {
		pump_end(p);
	}
	return no_thread(err);
}

void pump_serve(HANDLE pipe, SOCKET s)
{
	struct pump *p = pump_new(pipe, s, 2);

	if (!p)
		return;
	if (run(duplex_out, p))
		(void)duplex_in(p);
	else
		pump_end(p);
}
