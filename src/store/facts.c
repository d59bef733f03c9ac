#include "store/facts.h"

#include "weir_version.h"

#include <string.h>

#define FORMAT_VERSION 1

static json_int_t number(uint64_t v)
{
	return (json_int_t)v;
}

/* Bytes of the UTF-8 character at p, 0 where there is none; jansson knows what is one. */
static size_t character_length(const char *p)
{
	for (size_t n = 1; n <= 4 && p[n - 1]; n++) {
		json_t *one = json_stringn(p, n);

		json_decref(one);
		if (one)
			return n;
	}
	return 0;
}

static json_t *escape(const char *text)
{
	char out[4096];
	size_t used = 0;

	while (*text && used + 5 < sizeof out) {
		size_t n = character_length(text);

		if (n) {
			memcpy(out + used, text, n);
			used += n;
			text += n;
			continue;
		}
		used += (size_t)snprintf(out + used, sizeof out - used, "\\x%02x",
					 (unsigned char)*text++);
	}
	return json_stringn(out, used);
}

json_t *facts_text(const char *text)
{
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	return value ? value : escape(text);
}

json_t *facts_size(uint64_t bytes)
{
	return bytes == UINT64_MAX ? json_null() : json_integer(number(bytes));
}

json_t *facts_clocks(void)
{
	struct port_clocks c;

	port_clocks(&c);
	return json_pack(
		"{s:I,s:I,s:I,s:b,s:I,s:I,s:o}", "realtime_ns", (json_int_t)c.realtime_ns,
		"monotonic_ns", (json_int_t)c.monotonic_ns, "boottime_ns",
		(json_int_t)c.boottime_ns, "synchronised", (int)c.is_synchronised,
		"offset_ns", (json_int_t)c.offset_ns, "max_error_ns",
		(json_int_t)c.max_error_ns, "zone", facts_text(c.zone));
}

json_t *facts_identity(void)
{
	struct port_identity id;

	port_identity(&id);
	port_identity_hash(&id);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:I,s:I,s:I}", "host",
			 facts_text(id.host), "machine_id", facts_text(id.machine_id),
			 "boot_id", facts_text(id.boot_id), "os", facts_text(id.os),
			 "kernel", facts_text(id.kernel), "hardware",
			 facts_text(id.hardware), "executable", facts_text(id.executable),
			 "executable_sha256", id.executable_sha256, "uid", number(id.uid),
			 "pid", number(id.pid), "cpu_count", number(id.cpu_count),
			 "memory_bytes", number(id.memory_bytes));
}

json_t *facts_losses(const struct loss_totals *now, const struct loss_totals *before)
{
	static const struct loss_totals none;
	json_t *all = json_object();

	if (!before)
		before = &none;
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		uint64_t packets = now->packets[i] - before->packets[i];
		uint64_t bytes = now->bytes[i] - before->bytes[i];

		if (packets || bytes)
			json_object_set_new(all, loss_name((enum loss)i),
					    json_pack("{s:I,s:I}", "packets",
						      number(packets), "bytes",
						      number(bytes)));
	}
	return all;
}

static json_t *list_of_texts(const char *const *texts)
{
	json_t *list = json_array();

	for (; *texts; texts++)
		json_array_append_new(list, facts_text(*texts));
	return list;
}

const char *facts_layout(enum store_layout layout)
{
	static const char *const names[] = { "segments", "files", "pairs" };

	return names[layout];
}

json_t *facts_start(const struct store_config *c)
{
	char privileges[512];
	json_t *start;

	port_privileges(privileges, sizeof privileges);
	start = json_pack("{s:i,s:s,s:s,s:o,s:s,s:o,s:o,s:o,s:o}", "format",
			  FORMAT_VERSION, "tool", "weir", "version", WEIR_VERSION, "mode",
			  facts_text(c->mode), "layout", facts_layout(c->layout), "clock",
			  facts_text(c->clock), "case", facts_text(c->case_id),
			  "examiner", facts_text(c->examiner), "command_line",
			  facts_text(c->command_line));
	if (c->inputs)
		json_object_set_new(start, "inputs", list_of_texts(c->inputs));
	json_object_set_new(start, "filter", facts_text(c->filter));
	json_object_set_new(start, "filter_normal", facts_text(c->filter_normal));
	json_object_set_new(start, "filter_sha256", facts_text(c->filter_sha256));
	json_object_set_new(
		start, "limits",
		json_pack("{s:I,s:I,s:I,s:I,s:I}", "rotate_bytes",
			  number(c->rotate_bytes), "rotate_ns", (json_int_t)c->rotate_ns,
			  "keep_bytes", number(c->keep_bytes), "keep_ns",
			  (json_int_t)c->keep_ns, "snaplen", number(c->snaplen)));
	json_object_set_new(start, "hash",
			    json_string(c->is_hash_deferred ? "deferred" : "inline"));
	json_object_set_new(start, "memory_bytes", json_integer(number(c->memory_bytes)));
	json_object_set_new(start, "identity", facts_identity());
	json_object_set_new(start, "privileges", facts_text(privileges));
	json_object_set_new(start, "clocks", facts_clocks());
	return start;
}

static json_t *address_text(const struct iface_addr *a)
{
	char text[64];
	size_t used = 0;
	unsigned step = a->family == 4 ? 1 : 2, count = a->family == 4 ? 4 : 16;

	for (unsigned i = 0; i < count; i += step)
		used += (size_t)snprintf(
			text + used, sizeof text - used, step == 1 ? "%s%u" : "%s%x",
			!i          ? ""
			: step == 1 ? "."
				    : ":",
			step == 1 ? (unsigned)a->bytes[i]
				  : (unsigned)(a->bytes[i] << 8 | a->bytes[i + 1]));
	(void)snprintf(text + used, sizeof text - used, "/%u", a->prefix);
	return json_string(text);
}

static json_t *mac_text(const struct iface_info *info)
{
	const uint8_t *m = info->mac;

	if (!info->has_mac)
		return json_null();
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
			    m[5]);
}

json_t *facts_interface(const struct iface *i)
{
	const struct iface_info *info = &i->info;
	json_t *addresses = json_array();

	for (unsigned n = 0; n < info->addr_count; n++)
		json_array_append_new(addresses, address_text(&info->addrs[n]));
	return json_pack("{s:i,s:i,s:i,s:I,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:I,s:I,s:o}",
			 "lane", (int)i->lane, "id", (int)i->id, "linktype",
			 (int)info->linktype, "snaplen", number(info->snaplen), "name",
			 facts_text(info->name), "description",
			 facts_text(info->description), "filter",
			 facts_text(info->filter), "hardware", facts_text(info->hardware),
			 "os", facts_text(info->os), "index", number(info->index), "mac",
			 mac_text(info), "speed_bps", number(info->speed_bps), "mtu",
			 number(info->mtu), "addresses", addresses);
}

json_t *facts_counters(const struct iface_table *ifaces)
{
	json_t *list = json_array();

	for (unsigned n = 0; n < iface_count(ifaces); n++) {
		const struct iface *i = iface_at(ifaces, n);
		uint64_t received = counter_read(&i->received);
		uint64_t dropped = counter_read(&i->kernel_dropped);

		if (received || dropped)
			json_array_append_new(
				list,
				json_pack("{s:i,s:i,s:I,s:I,s:I}", "lane", (int)i->lane,
					  "id", (int)i->id, "received", number(received),
					  "received_bytes",
					  number(counter_read(&i->received_bytes)),
					  "kernel_dropped", number(dropped)));
	}
	return list;
}

json_t *facts_opened(const struct segment_facts *f)
{
	return json_pack("{s:I,s:s,s:i,s:i}", "number", number(f->number), "name",
			 f->name, "lane", (int)f->lane, "linktype", (int)f->linktype);
}

json_t *facts_segment(const struct segment_facts *f)
{
	json_t *line = facts_opened(f);
	char hex[HASH_HEX];

	hash_hex(f->sha256, hex);
	json_object_update_new(
		line,
		json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:s,s:s,s:s}", "interfaces",
			  (int)f->iface_count, "packets", number(f->packets), "bytes",
			  number(f->bytes), "wire_bytes", number(f->wire_bytes),
			  "file_bytes", number(f->file_bytes), "first_ns",
			  (json_int_t)f->first_ns, "last_ns", (json_int_t)f->last_ns,
			  "sorted", (int)f->is_sorted, "sha256", hex, "hash",
			  f->is_hashed ? "inline" : "deferred", "reason", f->reason));
	if (f->is_torn)
		json_object_set_new(line, "torn", json_true());
	return line;
}

json_t *facts_remove_error(const char *name, int error)
{
	return json_pack("{s:s,s:i,s:s}", "name", name, "errno", error, "error",
			 strerror(error));
}

json_t *facts_progress(const struct store_progress *p)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "packets",
			 number(counter_read(&p->packets)), "bytes",
			 number(counter_read(&p->bytes)), "wire_bytes",
			 number(counter_read(&p->wire_bytes)), "written_bytes",
			 number(counter_read(&p->written_bytes)), "segments",
			 number(counter_read(&p->segments)), "removed_segments",
			 number(counter_read(&p->removed_segments)));
}
