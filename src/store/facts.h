/* The manifest's facts as JSON: one function for each object that docs/store-format.md describes.
 * Each returns a new reference, NULL without memory. */
#ifndef WEIR_STORE_FACTS_H
#define WEIR_STORE_FACTS_H

#include "store/segment.h"
#include "store/store.h"

/* Text of any bytes; what is not UTF-8 becomes \xHH.  NULL becomes null. */
json_t *facts_text(const char *text);
json_t *facts_clocks(void);
json_t *facts_identity(void);
/* What was lost between the two; `before` NULL: all.  Reasons with nothing are left out. */
json_t *facts_losses(const struct loss_totals *now, const struct loss_totals *before);
json_t *facts_start(const struct store_config *config);
json_t *facts_interface(const struct iface *i);
/* {"lane","id","received",...} of each interface that has seen a packet. */
json_t *facts_counters(const struct iface_table *ifaces);
json_t *facts_opened(const struct segment_facts *f);
json_t *facts_segment(const struct segment_facts *f);
/* Of a segment that was to be removed. */
json_t *facts_remove_error(const char *name, int error);
json_t *facts_progress(const struct store_progress *p);
json_t *facts_size(uint64_t bytes); /* UINT64_MAX: null */
const char *facts_layout(enum store_layout layout);

#endif
