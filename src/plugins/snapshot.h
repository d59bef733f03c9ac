/* The directive `snapshot`: the last seconds of a store that may be being recorded, as a pcapng file
 * of its own with its SHA-256, beside the stores in `snapshots`. */
#ifndef WEIR_PLUGINS_SNAPSHOT_H
#define WEIR_PLUGINS_SNAPSHOT_H

#include "plugins/serve.h"

/* Ends the call. */
void snapshot_run(struct serve_call *c, const char *stores, const char *name,
		  const char *store, int64_t seconds);

#endif
