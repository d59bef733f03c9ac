/* Times are int64_t nanoseconds since 1970-01-01T00:00:00Z unless a name says otherwise
 * (1677 to 2262), durations the same unit.  Pure: no clock is read here (see port/port.h). */
#ifndef WEIR_BASE_TIME_H
#define WEIR_BASE_TIME_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdint.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_US INT64_C(1000)

#define TIME_TEXT 48 /* "2026-11-22T23:13:35.123456789Z", years of six digits, and NUL */

/* ISO 8601, UTC, always nine decimals. */
void time_format(int64_t ns, char text[TIME_TEXT]);

/* Accepts what time_format() writes; fewer or no decimals; a date alone (midnight); a space for
 * the T; "Z" or "+hh:mm"/"-hh:mm" or none (UTC); "@seconds[.fraction]"; and a bare integer of at
 * least 16 digits as nanoseconds.  WEIR_ERR_USAGE names what was found. */
int time_parse(const char *text, int64_t *ns, struct weir_error *err) MUST_CHECK;

/* "30s", "10m", "24h", "7d", "250ms", "50us", "1ns"; a bare number is seconds; fractions allowed
 * ("1.5h").  Not negative. */
int duration_parse(const char *text, int64_t *ns, struct weir_error *err) MUST_CHECK;

/* "4096", "256KiB", "10GiB", "1MB" (10^6), "64k" (KiB), upper or lower case. */
int size_parse(const char *text, uint64_t *bytes, struct weir_error *err) MUST_CHECK;

/* "1.2 MiB", "873 B": for people. */
#define SIZE_TEXT 24
void size_format(uint64_t bytes, char text[SIZE_TEXT]);

#endif
