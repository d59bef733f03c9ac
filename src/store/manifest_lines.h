/* The members of the manifest's lines, read (docs/store-format.md, section 2).  Pure: each function
 * fills a struct from one line, zeroed first, and says whether the line has the form it must have.
 * Members that are not known are ignored. */
#ifndef WEIR_STORE_MANIFEST_LINES_H
#define WEIR_STORE_MANIFEST_LINES_H

#include "store/open.h"

bool line_is(const json_t *line, const char *type);
bool line_layout(const json_t *start, enum store_layout *layout) MUST_CHECK;
bool line_segment(const json_t *line, struct store_segment *s) MUST_CHECK;
/* number, name, lane, linktype of a segment_open line. */
bool line_segment_open(const json_t *line, struct store_segment *s) MUST_CHECK;
bool line_interface(const json_t *line, struct iface_info *info, unsigned *lane,
		    unsigned *id) MUST_CHECK;
/* The object `losses` of a line; absent reasons are 0, unknown ones are ignored. */
void line_losses(const json_t *line, struct loss_totals *losses);

#endif
