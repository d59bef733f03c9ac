/* Whether a listing is whole, by its own words and by what is there: a timeline made from a part must
 * not look like one of all.
 *
 * Calling sequence: a zeroed struct whole for each source; whole_take() with each record in the order of
 * the file; whole_bad_line() for each line that was none; at the end whole_is_listing() and
 * whole_describe().
 * A source may be several listings, one behind the other.
 * No allocation, no failure.  Threads: one owner. */
#ifndef WEIR_ANALYZE_WHOLE_H
#define WEIR_ANALYZE_WHOLE_H

#include "filesystem/listing.h"

struct whole {
	bool is_open; /* between a header and its summary */
	bool has_record;
	uint64_t lines; /* of any kind */
	uint64_t files; /* since the last header */
	uint64_t headless, cut, incomplete, missing, unknown;
	uint64_t errors, timeless, failed_paths, failed_mounts;
	char reason[24]; /* of the first that says that it is not complete */
};

void whole_take(struct whole *w, const struct listing_row *row);
void whole_bad_line(struct whole *w);
/* At least one line was a record of a listing. */
bool whole_is_listing(const struct whole *w);
/* "it is not complete: max_time; 12 directories could not be read to their end".  True where a listing
 * lacks what it should have; a text can stand there without. */
bool whole_describe(struct whole *w, char *text, size_t size);

#endif
