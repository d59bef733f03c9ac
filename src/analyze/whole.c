#include "analyze/whole.h"

#include "analyze/line.h"

#include <string.h>

/* A word of the summary, which is a stranger's: letters and '_', or it is none that weir writes. */
static void keep_reason(struct whole *w, const struct listing_text *reason)
{
	static const char nothing[] = "it does not say why";
	size_t n = reason->length;

	if (w->reason[0])
		return;
	for (size_t i = 0; i < n; i++)
		if (reason->bytes[i] != '_' &&
		    (reason->bytes[i] < 'a' || reason->bytes[i] > 'z'))
			n = 0;
	if (!n || n >= sizeof w->reason)
		memcpy(w->reason, nothing, sizeof nothing);
	else
		memcpy(w->reason, reason->bytes, n);
}

/* The end of one listing: with its summary, or NULL where the next begins or nothing follows. */
static void close_listing(struct whole *w, const struct listing_row *summary)
{
	if (!summary) {
		w->cut++;
	} else {
		if (!summary->is_complete) {
			w->incomplete++;
			keep_reason(w, &summary->reason);
		}
		w->failed_paths += summary->failed_paths;
		w->failed_mounts += summary->failed_mounts;
		/* More than there should be is no less a fault, but nothing is missing. */
		if (summary->has & LISTING_HAS_WRITTEN && summary->written > w->files)
			w->missing += summary->written - w->files;
	}
	w->is_open = false;
	w->files = 0;
}

static void open_listing(struct whole *w, bool has_header)
{
	if (w->is_open && has_header)
		close_listing(w, NULL);
	else if (!w->is_open && !has_header)
		w->headless++;
	w->is_open = true;
}

void whole_take(struct whole *w, const struct listing_row *row)
{
	w->lines++;
	if (row->kind == LISTING_PROGRESS)
		return;
	if (row->kind == LISTING_OTHER) {
		w->unknown++;
		return;
	}
	w->has_record = true;
	open_listing(w, row->kind == LISTING_HEADER);
	if (row->kind == LISTING_FILE) {
		w->files++;
		w->timeless += !row->has_time;
	} else if (row->kind == LISTING_ERROR) {
		w->errors++;
	} else if (row->kind == LISTING_SUMMARY) {
		close_listing(w, row);
	}
}

void whole_bad_line(struct whole *w)
{
	w->lines++;
	/* Told by its number; it is not missing as well. */
	w->files++;
}

bool whole_is_listing(const struct whole *w)
{
	return w->has_record;
}

static void part(struct line *l, uint64_t n, const char *before, const char *behind)
{
	if (!n)
		return;
	if (line_length(l))
		line_text(l, "; ");
	line_text(l, before);
	if (!*before)
		line_unsigned(l, n);
	line_text(l, behind);
}

bool whole_describe(struct whole *w, char *text, size_t size)
{
	struct line l;

	if (w->is_open)
		close_listing(w, NULL);
	line_init(&l, text, size - 1);
	part(&l, w->cut, "it was cut off: it has no summary", "");
	part(&l, w->headless, "it has no header", "");
	part(&l, w->incomplete, "it is not complete: ", w->reason);
	part(&l, w->missing, "",
	     " of the file records that its summary counts are missing");
	part(&l, w->unknown, "", " lines are no record that this weir knows");
	part(&l, w->failed_paths, "", " paths could not be opened");
	part(&l, w->failed_mounts, "", " mounts could not be opened");
	part(&l, w->errors, "", " directories could not be read to their end");
	part(&l, w->timeless, "", " files have no time, and so no row");
	*l.at = '\0';
	return w->cut || w->headless || w->incomplete || w->missing || w->unknown;
}
