/* A line of a list segment: one packet that is a file of its own (layouts files and pairs).
 *
 * Strings are lent by the JSON object.  Pure but for the last two. */
#ifndef WEIR_STORE_LIST_LINE_H
#define WEIR_STORE_LIST_LINE_H

#include "store/json_lines.h"

struct list_line {
	const char *file, *sha256;
	int64_t ns;
	uint32_t bytes, wire_bytes, flags, queue;
	uint16_t linktype;
	uint64_t iface, packet_id, drops;
	bool has_queue;
};

/* The most that a packet file may hold, and a line (docs/store-format.md, section 8). */
#define LIST_PACKET_MAX (256u * 1024)
#define LIST_LINE_MAX   1024u

/* False where a member is absent or has not its form, or the file's name is not a packet's. */
bool list_line_read(const json_t *object, struct list_line *l) MUST_CHECK;

/* The packet's bytes into `into` (LIST_PACKET_MAX bytes); size and hash must be those stated. */
int list_line_load(const struct list_line *l, int dir_fd, uint8_t *into,
		   struct weir_error *err) MUST_CHECK;

/* In the layout pairs: whether the file beside the packet's holds the line, with a newline.  In the
 * layout files there is none, and nothing to check. */
int list_line_check_pair(const struct list_line *l, int dir_fd,
			 const struct json_line *line, struct weir_error *err) MUST_CHECK;

#endif
