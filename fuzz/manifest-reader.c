/* Any bytes as a manifest: each line through every reader of members, and the whole through the
 * check of chain and sums. */
#include "base/mem.h"
#include "store/list_line.h"
#include "store/manifest_lines.h"
#include "store/names.h"
#include "store/verify_members.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_line(const json_t *object)
{
	struct store_segment s;
	struct loss_totals losses;
	struct iface_info info;
	struct list_line l;
	enum store_layout layout;
	unsigned lane, id;

	if (line_segment(object, &s)) {
		assert(s.number && name_number(s.name) == s.number && s.lane < LANE_MAX);
		assert(strlen(s.sha256) == HASH_HEX - 1);
	}
	if (line_interface(object, &info, &lane, &id))
		assert(lane < LANE_MAX && id < IFACE_MAX &&
		       strnlen(info.name, sizeof info.name) < sizeof info.name);
	if (list_line_read(object, &l))
		assert(!strchr(l.file, '/') && l.bytes <= LIST_PACKET_MAX);
	if (line_layout(object, &layout))
		assert(layout <= STORE_PAIRS);
	line_losses(object, &losses);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_check check = { 0 };
	struct verify v = { .check = &check };
	struct weir_error err;
	struct json_line line;
	struct window w;

	if (window_init(&w, byte_source_memory(data, size), &err))
		return 0;
	while (json_lines_next(&w, &line, &err) > 0) {
		assert(line.offset + line.length + line.is_ended <= size);
		if (line.object)
			read_line(line.object);
		json_decref(line.object);
	}
	window_fini(&w);
	if (!verify_lines(&v, byte_source_memory(data, size), false, &err))
		assert(v.has_start && v.has_end && !check.fault[0]);
	verify_members_fini(&v);
	mem_free(v.segments);
	return 0;
}
