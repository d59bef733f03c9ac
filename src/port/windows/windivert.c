#include "port/windivert.h"

#include "base/mem.h"
#include "port/windows/win.h"

#include <errno.h>
#include <stdio.h>
#include <wchar.h>

/* The numbers of WinDivert 2.2's parameters and ways to shut down. */
enum {
	PARAM_LENGTH = 0,
	PARAM_TIME = 1,
	PARAM_SIZE = 2,
	PARAM_MAJOR = 3,
	PARAM_MINOR = 4,
	SHUTDOWN_RECV = 1,
};

#define MOST_PACKETS  16384
#define MOST_TIME_MS  16000
#define MOST_BYTES    (32U << 20)
#define PATH_UNITS    1024
#define CLOSE_WAIT_MS 2000
#define ANCHOR_TRIES  5
#define NOT_IN_TIME   1232 /* ERROR_HOST_UNREACHABLE: an impostor's time to live is over */

struct windivert {
	HMODULE dll;
	HANDLE(WINAPI *open)(const char *, int, INT16, UINT64);
	BOOL(WINAPI *recv)(HANDLE, VOID *, UINT, UINT *, VOID *);
	BOOL(WINAPI *recv_ex)
	(HANDLE, VOID *, UINT, UINT *, UINT64, VOID *, UINT *, LPOVERLAPPED);
	BOOL(WINAPI *send)(HANDLE, const VOID *, UINT, UINT *, const VOID *);
	BOOL(WINAPI *send_ex)
	(HANDLE, const VOID *, UINT, UINT *, UINT64, const VOID *, UINT, LPOVERLAPPED);
	BOOL(WINAPI *shutdown)(HANDLE, int);
	BOOL(WINAPI *close)(HANDLE);
	BOOL(WINAPI *set_param)(HANDLE, int, UINT64);
	BOOL(WINAPI *get_param)(HANDLE, int, UINT64 *);
	BOOL(WINAPI *compile)
	(const char *, int, char *, UINT, const char **, UINT *);
};

struct windivert_handle {
	struct windivert *w;
	HANDLE handle;
	struct windivert_how how;
	/* The request: asked, until what it brought was looked at. */
	OVERLAPPED overlapped; /* with an event of its own */
	uint8_t *packets, *addresses;
	UINT address_bytes; /* in: room; out: used */
	DWORD error;        /* of the call itself; ERROR_IO_PENDING: none */
	bool is_asked;
	bool is_settling; /* it is made no more */
	DWORD settle_ms;  /* to wait for it */
	uint8_t *memory;
	size_t memory_bytes;
};

static bool find_calls(struct windivert *w)
{
	const struct {
		const char *name;
		void *into;
	} calls[] = {
		{ "WinDivertOpen", &w->open },
		{ "WinDivertRecv", &w->recv },
		{ "WinDivertRecvEx", &w->recv_ex },
		{ "WinDivertSend", &w->send },
		{ "WinDivertSendEx", &w->send_ex },
		{ "WinDivertShutdown", &w->shutdown },
		{ "WinDivertClose", &w->close },
		{ "WinDivertSetParam", &w->set_param },
		{ "WinDivertGetParam", &w->get_param },
		{ "WinDivertHelperCompileFilter", &w->compile },
	};

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		FARPROC found = GetProcAddress(w->dll, calls[i].name);

		if (!found)
			return false;
		/* Through memory: a cast to another function's type would be warned of. */
		memcpy(calls[i].into, &found, sizeof found);
	}
	return true;
}

/* The full path of a file beside this program; false: it is too long. */
static bool beside_us(const wchar_t *name, wchar_t path[PATH_UNITS])
{
	DWORD units = GetModuleFileNameW(NULL, path, PATH_UNITS);
	wchar_t *slash;

	if (!units || units >= PATH_UNITS)
		return false;
	slash = wcsrchr(path, L'\\');
	if (!slash || (size_t)(slash + 1 - path) + wcslen(name) >= PATH_UNITS)
		return false;
	(void)wcscpy(slash + 1, name);
	return true;
}

void windivert_path(char *text, size_t size)
{
	wchar_t path[PATH_UNITS];
	char *utf8 =
		beside_us(L"WinDivert.dll", path) ? win_text(path, wcslen(path)) : NULL;

	(void)snprintf(text, size, "%s", utf8 ? utf8 : "");
	mem_free(utf8);
}

static int load_error(struct weir_error *err)
{
	DWORD error = GetLastError();
	char path[PATH_UNITS];

	windivert_path(path, sizeof path);
	if (error == ERROR_MOD_NOT_FOUND && weir_access(path, F_OK))
		return err_set(err, WEIR_ERR_ABSENT,
			       "cannot load '%.250s': it is not there; WinDivert.dll and "
			       "WinDivert64.sys must lie beside weir.exe",
			       path);
	if (error == ERROR_BAD_EXE_FORMAT)
		return err_set(err, WEIR_ERR_UNSUPPORTED,
			       "cannot load '%.250s': it is no DLL for this processor",
			       path);
	return err_set(err, WEIR_ERR_SYSTEM, "cannot load '%.250s': error %lu of Windows",
		       path, error);
}

int windivert_load(struct windivert **out, struct weir_error *err)
{
	struct windivert *w = mem_new(1, sizeof *w);
	wchar_t path[PATH_UNITS];

	*out = NULL;
	if (!w)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for WinDivert");
	if (!beside_us(L"WinDivert.dll", path)) {
		mem_free(w);
		return err_set(err, WEIR_ERR_LIMIT,
			       "cannot load WinDivert.dll: the path of this program has "
			       "more than %d characters",
			       PATH_UNITS);
	}
	/* What it needs itself comes from its own folder or Windows', never from elsewhere. */
	w->dll = LoadLibraryExW(path, NULL,
				LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR |
					LOAD_LIBRARY_SEARCH_SYSTEM32);
	if (!w->dll) {
		int rc = load_error(err);

		mem_free(w);
		return rc;
	}
	if (!find_calls(w)) {
		windivert_unload(w);
		return err_set(
			err, WEIR_ERR_UNSUPPORTED,
			"the WinDivert.dll beside weir.exe lacks calls of WinDivert "
			"2.2: take the DLL and the driver of that version");
	}
	*out = w;
	return 0;
}

void windivert_unload(struct windivert *w)
{
	if (!w)
		return;
	(void)FreeLibrary(w->dll);
	mem_free(w);
}

static size_t address_room(const struct windivert_how *how)
{
	return (size_t)how->batch * WINDIVERT_ADDRESS_BYTES;
}

uint64_t windivert_memory(const struct windivert_how *how)
{
	/* Whole lines of the cache. */
	return (uint64_t)((how->buffer_bytes + address_room(how) + 63) & ~63UL);
}

static int take_memory(struct windivert_handle *h, struct weir_error *err)
{
	h->memory_bytes = (size_t)windivert_memory(&h->how);
	h->memory = port_pages_new(h->memory_bytes);
	if (!h->memory)
		return err_set(err, WEIR_ERR_NO_MEMORY,
			       "cannot take %zu bytes of memory for packets",
			       h->memory_bytes);
	h->packets = h->how.buffer_bytes ? h->memory : NULL;
	h->addresses = h->memory + h->how.buffer_bytes;
	h->overlapped.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (!h->overlapped.hEvent) {
		(void)win_fail();
		return err_sys(err, "cannot make an event");
	}
	return 0;
}

int windivert_open(struct windivert_handle **out, struct windivert *w,
		   const struct windivert_how *how, struct weir_error *err)
{
	struct windivert_handle *h = mem_new(1, sizeof *h);
	int rc;

	*out = NULL;
	if (!h)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a handle");
	h->w = w;
	h->how = *how;
	h->how.filter = NULL;
	h->handle = INVALID_HANDLE_VALUE;
	rc = take_memory(h, err);
	if (!rc) {
		h->handle = w->open(how->filter, (int)how->layer, (INT16)how->priority,
				    how->flags);
		if (h->handle == INVALID_HANDLE_VALUE)
			rc = windivert_open_error(GetLastError(), err);
	}
	if (rc) {
		windivert_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

/* Whether the driver has let go of the buffer. */
static bool end_request(struct windivert_handle *h)
{
	return !h->is_asked || h->error != ERROR_IO_PENDING ||
	       HasOverlappedIoCompleted(&h->overlapped) ||
	       WaitForSingleObject(h->overlapped.hEvent, CLOSE_WAIT_MS) == WAIT_OBJECT_0;
}

void windivert_close(struct windivert_handle *h)
{
	if (!h)
		return;
	if (h->handle != INVALID_HANDLE_VALUE) {
		if (h->is_asked)
			(void)CancelIoEx(h->handle, NULL);
		(void)h->w->close(h->handle);
	}
	/* A buffer that the driver still has is given up rather than freed. */
	if (!end_request(h))
		return;
	if (h->overlapped.hEvent)
		(void)CloseHandle(h->overlapped.hEvent);
	port_pages_free(h->memory, h->memory_bytes);
	mem_free(h);
}

/* The error of Windows in numbers: WinDivert's have no words of their own. */
static int fail(struct weir_error *err, const char *what)
{
	DWORD error = GetLastError();

	return err_set(err, WEIR_ERR_SYSTEM, "cannot %s: error %lu of Windows", what,
		       error);
}

static int raise_limit(struct windivert_handle *h, int param, uint64_t most,
		       uint64_t *now, struct weir_error *err)
{
	UINT64 value = 0;

	/* A later version may take less: what it has is what counts. */
	(void)h->w->set_param(h->handle, param, most);
	if (!h->w->get_param(h->handle, param, &value))
		return fail(err, "read the limits of WinDivert's queue");
	*now = value;
	return 0;
}

int windivert_raise_limits(struct windivert_handle *h, struct windivert_limits *limits,
			   struct weir_error *err)
{
	int rc = raise_limit(h, PARAM_LENGTH, MOST_PACKETS, &limits->packets, err);

	if (!rc)
		rc = raise_limit(h, PARAM_TIME, MOST_TIME_MS, &limits->time_ms, err);
	if (!rc)
		rc = raise_limit(h, PARAM_SIZE, MOST_BYTES, &limits->bytes, err);
	return rc;
}

int windivert_version(struct windivert_handle *h, unsigned *major, unsigned *minor,
		      struct weir_error *err)
{
	UINT64 a = 0, b = 0;

	if (!h->w->get_param(h->handle, PARAM_MAJOR, &a) ||
	    !h->w->get_param(h->handle, PARAM_MINOR, &b))
		return fail(err, "read the version of WinDivert's driver");
	*major = (unsigned)a;
	*minor = (unsigned)b;
	return 0;
}

static void ask(struct windivert_handle *h)
{
	HANDLE event = h->overlapped.hEvent;

	memset(&h->overlapped, 0, sizeof h->overlapped);
	h->overlapped.hEvent = event;
	(void)ResetEvent(event);
	h->address_bytes = (UINT)address_room(&h->how);
	h->error = ERROR_IO_PENDING;
	h->is_asked = true;
	if (!h->w->recv_ex(h->handle, h->packets, h->how.buffer_bytes, NULL, 0,
			   h->addresses, &h->address_bytes, &h->overlapped))
		h->error = GetLastError();
}

/* Rounded up: never less than was asked for, and never for ever by mistake. */
static DWORD wait_ms(int64_t ns)
{
	int64_t ms = (ns + 999999) / 1000000;

	return ns < 0 ? INFINITE : ms > 86400000 ? 86400000U : (DWORD)ms;
}

static bool is_done(const struct windivert_handle *h, const struct port_event *also,
		    DWORD timeout_ms)
{
	HANDLE both[2] = { h->overlapped.hEvent, also ? also->handle : NULL };

	if (h->error != ERROR_IO_PENDING || HasOverlappedIoCompleted(&h->overlapped))
		return true;
	if (!timeout_ms)
		return false;
	return WaitForMultipleObjects(also ? 2 : 1, both, FALSE, timeout_ms) ==
	       WAIT_OBJECT_0;
}

static int receive_error(DWORD error, struct weir_error *err)
{
	if (error == ERROR_NO_DATA || error == ERROR_OPERATION_ABORTED)
		return err_set(err, WEIR_ERR_CLOSED, "nothing more is queued");
	return err_set(err, WEIR_ERR_SYSTEM,
		       "cannot receive from WinDivert: error %lu of Windows", error);
}

/* What the request brought; 0: it has to be waited for. */
static int take_result(struct windivert_handle *h, struct windivert_got *got,
		       struct weir_error *err)
{
	DWORD bytes = 0, error = 0;

	if (h->error != ERROR_IO_PENDING)
		error = h->error;
	else if (!GetOverlappedResult(h->handle, &h->overlapped, &bytes, FALSE))
		error = GetLastError();
	if (error == ERROR_IO_INCOMPLETE)
		return 0;
	h->is_asked = false;
	if (error && error != ERROR_INSUFFICIENT_BUFFER)
		return receive_error(error, err);
	*got = (struct windivert_got){
		.packets = h->packets,
		.length = bytes < h->how.buffer_bytes ? bytes : h->how.buffer_bytes,
		.addresses = h->addresses,
		.count = h->address_bytes / WINDIVERT_ADDRESS_BYTES,
		.is_cut = error == ERROR_INSUFFICIENT_BUFFER,
	};
	if (got->count > h->how.batch)
		got->count = h->how.batch;
	return 1;
}

/* What the last request has brought meanwhile. */
static int receive_settled(struct windivert_handle *h, struct windivert_got *got,
			   struct weir_error *err)
{
	if (h->is_asked && is_done(h, NULL, h->settle_ms) && take_result(h, got, err) > 0)
		return 1;
	return err_set(err, WEIR_ERR_CLOSED, "nothing more is in our buffer");
}

int windivert_receive(struct windivert_handle *h, const struct port_event *also,
		      int64_t timeout_ns, struct windivert_got *got,
		      struct weir_error *err)
{
	if (h->is_settling)
		return receive_settled(h, got, err);
	if (!h->is_asked)
		ask(h);
	return is_done(h, also, wait_ms(timeout_ns)) ? take_result(h, got, err) : 0;
}

void windivert_settle(struct windivert_handle *h)
{
	h->is_settling = true;
	/* What cannot be cancelled is not waited for. */
	h->settle_ms = CancelIoEx(h->handle, NULL) ? CLOSE_WAIT_MS : 0;
}

int windivert_send(struct windivert_handle *h, const uint8_t *packets, uint32_t length,
		   const uint8_t *addresses, unsigned count, struct weir_error *err)
{
	DWORD error;

	if (h->w->send_ex(h->handle, packets, length, NULL, 0, addresses,
			  count * WINDIVERT_ADDRESS_BYTES, NULL))
		return 0;
	error = GetLastError();
	if (error == NOT_IN_TIME)
		return err_set(err, WEIR_ERR_LIMIT,
			       "an impostor's time to live has run out");
	return err_set(err, WEIR_ERR_SYSTEM,
		       "cannot send through WinDivert: error %lu of Windows", error);
}

void windivert_shut(struct windivert_handle *h)
{
	(void)h->w->shutdown(h->handle, SHUTDOWN_RECV);
}

bool windivert_compiles(struct windivert *w, const char *filter,
			enum windivert_layer layer, const char **error, unsigned *at)
{
	UINT place = 0;
	bool is_good;

	*error = NULL;
	is_good = w->compile(filter, (int)layer, NULL, 0, error, &place);
	*at = place;
	return is_good;
}

int64_t windivert_ticks(void)
{
	LARGE_INTEGER now;

	(void)QueryPerformanceCounter(&now);
	return now.QuadPart;
}

int64_t windivert_ticks_per_s(void)
{
	LARGE_INTEGER frequency;

	(void)QueryPerformanceFrequency(&frequency);
	return frequency.QuadPart;
}

void windivert_anchor(int64_t *before, int64_t *after, int64_t *utc_ns)
{
	for (unsigned i = 0; i < ANCHOR_TRIES; i++) {
		int64_t from = windivert_ticks(), utc = port_realtime_ns();
		int64_t to = windivert_ticks();

		if (i && to - from >= *after - *before)
			continue;
		*before = from;
		*after = to;
		*utc_ns = utc;
	}
}

void windivert_raise_thread(void)
{
	(void)SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST);
}

bool windivert_is_wine(void)
{
	return win_calls()->is_wine;
}
