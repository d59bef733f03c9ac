/* Times of files as text: any year, nanoseconds, no 64-bit nanosecond overflow.
 *
 * Calling sequence: a struct when_days of the caller's own (one a thread) remembers the dates it
 * has worked out; when_iso() and when_ns() write at p, without NUL, and return the byte behind.
 * Units: struct file_time (port/files.h).  No allocation, no failure. */
#ifndef WEIR_FILESYSTEM_WHEN_H
#define WEIR_FILESYSTEM_WHEN_H

#include "port/files.h"

#define WHEN_ISO_MAX 48 /* bytes when_iso() may write; it needs 39 */
#define WHEN_NS_MAX  32

enum {
	WHEN_SLOTS = 64
};

struct when_days {
	int64_t day[WHEN_SLOTS];
	char text[WHEN_SLOTS][24];  /* "2026-11-22", at most "-292277022657-01-27" */
	uint8_t length[WHEN_SLOTS]; /* 0: the slot is empty */
};

/* "2026-11-22T23:13:35.123456789Z"; before year 0 and behind 9999 a sign and as many digits as the
 * year needs. */
char *when_iso(struct when_days *days, char *p, struct file_time t);
/* Nanoseconds since 1970 as a decimal number of any size: "-157766399500000000". */
char *when_ns(char *p, struct file_time t);
/* Reads what when_ns() writes; false where it is no such number, or none that fits. */
bool when_parse_ns(const char *text, size_t length, struct file_time *t) MUST_CHECK;
struct file_time when_of_ns(int64_t ns);
/* Clamped to what an int64_t holds (1677 to 2262). */
int64_t when_to_ns(struct file_time t);

static inline int when_compare(struct file_time a, struct file_time b)
{
	if (a.s != b.s)
		return a.s < b.s ? -1 : 1;
	return a.ns < b.ns ? -1 : a.ns > b.ns;
}

#endif
