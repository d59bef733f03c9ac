/* The records around a listing: a header (what, where, by whom, how undisturbed), progress, and
 * always a summary (complete, or why not).  weir-list(5) describes the members.
 *
 * Each function returns one line of JSON with its newline, to be freed with mem_free(); NULL without
 * memory. */
#ifndef WEIR_FILESYSTEM_REPORT_H
#define WEIR_FILESYSTEM_REPORT_H

#include "filesystem/walk.h"

/* A mount below a listed path that is not entered. */
struct report_skipped {
	char *path; /* as records would name it */
	const struct mount_row *mount;
	const char *reason;
};

struct report_header {
	const char *version, *command_line;
	const struct walk_config *config;
	const struct report_skipped *skipped;
	size_t skipped_count;
	int64_t started_ns;
};

char *report_header(const struct report_header *h) MUST_CHECK;
char *report_progress(const struct walk_counts *now, int64_t elapsed_ns) MUST_CHECK;
char *report_summary(const struct walk_result *r, size_t skipped_count,
		     const char *worst_atime, const char *executable_sha256,
		     int64_t ended_ns) MUST_CHECK;
/* Nothing is missing but what vanished or was not to be entered. */
bool report_is_complete(const struct walk_result *r);
/* Errors of all kinds. */
uint64_t report_error_count(const struct walk_result *r);

#endif
