/* File capabilities as they stand in security.capability.
 * Facts: Linux include/uapi/linux/capability.h, struct vfs_cap_data and vfs_ns_cap_data: magic u32
 * (revision in the top byte, bit 0 effective), then permitted and inheritable u32 once (revision 1)
 * or twice (2, 3), then the root's user id (3); little endian. */
#ifndef WEIR_FILESYSTEM_CAPABILITY_H
#define WEIR_FILESYSTEM_CAPABILITY_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capability {
	unsigned revision;
	bool is_effective;
	uint64_t permitted, inheritable;
	bool has_root;
	uint32_t root; /* the namespace's root that they count for */
};

bool capability_decode(const void *bytes, size_t length, struct capability *c) MUST_CHECK;

#define CAPABILITY_TEXT 2048
/* "cap_net_raw,cap_net_admin=ep cap_chown+i": as getcap(8) shows them. */
void capability_text(const struct capability *c, char text[CAPABILITY_TEXT]);

#endif
