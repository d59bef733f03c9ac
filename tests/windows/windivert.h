/* WinDivert.dll as the tests use it: declared in our own words, loaded by its path.
 *
 * Calling sequence: windivert_load(&w, folder) once; then the members.
 * Facts: WinDivert 2.2's documentation of its interface; the record's layout is held against the
 * genuine library by genuine.c and driver-client.c. */
#ifndef TESTS_WINDIVERT_H
#define TESTS_WINDIVERT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

enum {
	WD_ADDRESS_BYTES = 80,
	WD_OBJECT_BYTES = 16384, /* no filter's object needs more than 10,255 */
	WD_BATCH_MAX = 255,
	WD_SHUTDOWN_RECV = 1,
	WD_SHUTDOWN_SEND = 2,
	WD_FLAG_SNIFF = 1,
	WD_FLAG_RECV_ONLY = 4,
	WD_FLAG_SEND_ONLY = 8,
	WD_FLAG_NO_INSTALL = 16,
};

/* The flags of an address: bits of the word at byte 8. */
enum {
	WD_SNIFFED = 1 << 16,
	WD_OUTBOUND = 1 << 17,
	WD_LOOPBACK = 1 << 18,
	WD_IMPOSTOR = 1 << 19,
	WD_IPV6 = 1 << 20,
	WD_IP_CHECKSUM = 1 << 21,
	WD_TCP_CHECKSUM = 1 << 22,
	WD_UDP_CHECKSUM = 1 << 23,
};

struct wd_address {
	int64_t timestamp;
	uint32_t word; /* layer, event, flags */
	uint32_t reserved;
	uint8_t rest[64];
};

_Static_assert(sizeof(struct wd_address) == WD_ADDRESS_BYTES, "an address has 80 bytes");

struct windivert {
	HANDLE (*open)(const char *filter, int layer, int16_t priority, uint64_t flags);
	int (*recv)(HANDLE h, void *packet, unsigned size, unsigned *length,
		    struct wd_address *a);
	int (*recv_ex)(HANDLE h, void *packet, unsigned size, unsigned *length,
		       uint64_t flags, struct wd_address *a, unsigned *a_bytes,
		       OVERLAPPED *o);
	int (*send)(HANDLE h, const void *packet, unsigned size, unsigned *length,
		    const struct wd_address *a);
	int (*send_ex)(HANDLE h, const void *packet, unsigned size, unsigned *length,
		       uint64_t flags, const struct wd_address *a, unsigned a_bytes,
		       OVERLAPPED *o);
	int (*shutdown)(HANDLE h, int how);
	int (*close)(HANDLE h);
	int (*set_param)(HANDLE h, int param, uint64_t value);
	int (*get_param)(HANDLE h, int param, uint64_t *value);
	int (*compile)(const char *filter, int layer, char *object, unsigned size,
		       const char **error, unsigned *at);
	int (*eval)(const char *filter, const void *packet, unsigned size,
		    const struct wd_address *a);
	int (*format)(const char *filter, int layer, char *text, unsigned size);
	int (*checksums)(void *packet, unsigned size, struct wd_address *a,
			 uint64_t flags);
};

/* By the whole path: no search, so no other library of that name. */
static inline bool windivert_load(struct windivert *w, const char *folder)
{
	static const char *const names[] = {
		"WinDivertOpen",
		"WinDivertRecv",
		"WinDivertRecvEx",
		"WinDivertSend",
		"WinDivertSendEx",
		"WinDivertShutdown",
		"WinDivertClose",
		"WinDivertSetParam",
		"WinDivertGetParam",
		"WinDivertHelperCompileFilter",
		"WinDivertHelperEvalFilter",
		"WinDivertHelperFormatFilter",
		"WinDivertHelperCalcChecksums",
	};
	wchar_t given[600], path[700];
	HMODULE m;

	_Static_assert(sizeof(struct windivert) ==
			       sizeof names / sizeof names[0] * sizeof(void *),
		       "a name a member");
	if (swprintf(given, 600, L"%hs\\WinDivert.dll", folder) < 0 ||
	    !GetFullPathNameW(given, 700, path, NULL))
		return false;
	m = LoadLibraryExW(path, NULL,
			   LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR |
				   LOAD_LIBRARY_SEARCH_SYSTEM32);
	if (!m)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		FARPROC p = GetProcAddress(m, names[i]);

		if (!p)
			return false;
		memcpy((char *)w + i * sizeof p, &p, sizeof p);
	}
	return true;
}

#endif
