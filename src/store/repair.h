/* Repairing a store whose recorder is gone (docs/store-format.md, section 6).
 *
 * The order makes a crash in the middle harmless: what will be cut is first kept as NAME.tail and
 * made durable, then the segment is cut; the manifest is replaced last, in one step (written beside,
 * synced, renamed).  Until that rename a second repair finds the same store, with some segments
 * cut already, and comes to the same end; after it there is nothing left to do.
 *
 * The caller holds the exclusive lock on the manifest, if there is one. */
#ifndef WEIR_STORE_REPAIR_H
#define WEIR_STORE_REPAIR_H

#include "store/view.h"

/* `view` and `facts` are what view_load() found; they are out of date afterwards. */
int repair_store(const struct store_view *view, struct view_facts *facts,
		 const struct store_death *death, struct weir_error *err) MUST_CHECK;

#endif
