/* What there is to know of a source without looking into its packets: a store's manifest summed up,
 * or the counts of a capture file.
 *
 * info_gather() makes one JSON object; its members are those of `weir info --json` (the manual page
 * lists them).  The caller frees it with json_decref().  One thread.
 * A store whose recorder died is repaired first, as whenever it is opened (store/open.h).
 * A file that is damaged still gives an object, with the member `damage`. */
#ifndef WEIR_ANALYZE_INFO_H
#define WEIR_ANALYZE_INFO_H

#include "base/compiler.h"
#include "weir/error.h"

#include <jansson.h>

/* Events that are listed one by one; those beyond are counted only. */
#define INFO_EVENTS 1000

int info_gather(const char *path, json_t **info, struct weir_error *err) MUST_CHECK;

#endif
