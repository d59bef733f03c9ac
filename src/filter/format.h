/* A tree as text, in one way of writing: single spaces, "=", "and", "or", "not", indices in bytes,
 * values in the manner that befits the field.  Of a folded tree it is the normal form, which
 * WinDivert writes as well. */
#ifndef WEIR_FILTER_FORMAT_H
#define WEIR_FILTER_FORMAT_H

#include "filter/tree.h"
#include "filter/words.h"

void format_tree(struct words *w, const struct node *n, enum filter_layer layer);
void format_test(struct words *w, const struct node *n, enum filter_layer layer);
/* "tcp.DstPort", "packet[-4b]". */
void format_field(struct words *w, const struct field *f, int32_t index);
void format_value(struct words *w, const struct field *f, struct literal c,
		  enum filter_layer layer);
/* In double quotes, with what needs it escaped. */
void format_string(struct words *w, const char *text);

#endif
