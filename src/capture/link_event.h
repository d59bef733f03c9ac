/* What became of an interface, as events of the manifest.
 *
 * Calling sequence: from the callback of link_watch_read(), on the capture thread. */
#ifndef WEIR_CAPTURE_LINK_EVENT_H
#define WEIR_CAPTURE_LINK_EVENT_H

#include "capture/link_watch.h"
#include "store/store.h"

/* Its name, number, MTU and MAC: a new reference or NULL. */
json_t *link_describe(const struct net_link *l);
/* An event for each kind of change; store NULL: nobody is told. */
void link_tell(struct store *store, unsigned changes, const struct net_link *now,
	       const struct net_link *before);

#endif
