#include "base/time.h"
#include "capture/crew.h"
#include "capture/pace.h"
#include "capture/packet_ring.h"
#include "cli/record.h"
#include "port/port.h"

#include <ctype.h>
#include <inttypes.h>
#include <sys/stat.h>

#define MIB          (UINT64_C(1) << 20)
#define IMPORT_BYTES (UINT64_C(32) << 20)
/* All of it is taken ahead, and then ext4 has it in more pieces (of 128 MiB) than an inode holds by
 * itself: below that the block that lists them comes and goes with the order in which writes are
 * done, hundreds of times a second, and where what goes is discarded each time stops the disk. */
#define DEFAULT_ROTATE_BYTES (UINT64_C(1) << 30)
/* A recorder has no more memory than it needs for half a second at 4 Gbit/s. */
#define RECORDER_BYTES    (UINT64_C(256) << 20)
#define SNIFF_QUEUE_BYTES (UINT64_C(4) << 20)
#define SNIFF_OTHERS      (UINT64_C(25) << 20) /* what attribution takes beside it */
#define DIVERT_OTHERS \
 (SNIFF_OTHERS + (UINT64_C(69) << 20)) /* and NFQUEUE's socket, and its batches */
#define BUFFER_LEAST     (UINT64_C(8) << 20)
#define DEFAULT_STALL_NS (150 * NS_PER_MS)
/* The worker sleeps a quarter of it: below this it would only wake and beat. */
#define LEAST_STALL_NS (5 * NS_PER_MS)
#define MOST_STALL_NS  (60 * NS_PER_S)

/* clang-format off */
/* One row an option.  Both kinds of commands share the table: what does not fit one is refused
 * afterwards. */
#define RECORD_ROWS(o) \
	{ "output", 'o', OPTION_ONCE, &(o)->store, "STORE", "the store's directory, to be made (weir-TIME)", 0, 0 }, \
	{ "write", 'w', OPTION_ONCE, &(o)->stream, "FILE|-", "write one pcapng stream instead of a store", 0, 0 }, \
	{ "interface", 'i', OPTION_LIST, &(o)->interfaces, "IFACE", "only this interface; may be repeated (all)", 0, 0 }, \
	{ "filter", 0, OPTION_ONCE, &(o)->filter, "FILTER", "record only what matches; also as plain words", 0, 0 }, \
	{ "filter-file", 0, OPTION_ONCE, &(o)->filter_file, "FILE", "read the filter from FILE; # begins a comment", 0, 0 }, \
	{ "layer", 0, OPTION_STRING, &(o)->layer, "LAYER", "network (default), forward (divert), flow or socket (events, no packets)", 0, 0 }, \
	{ "layout", 0, OPTION_STRING, &(o)->layout, "LAYOUT", "segments (default), files or pairs", 0, 0 }, \
	{ "for", 0, OPTION_DURATION, &(o)->for_ns, "TIME", "stop after this long, e.g. 30s", 0, 0 }, \
	{ "count", 'c', OPTION_UINT, &(o)->count, "N", "stop after N packets", 1, INT64_MAX }, \
	{ "snaplen", 's', OPTION_UINT, &(o)->snaplen, "N", "record at most N bytes of each packet (all, as with 0)", 0, 262144 }, \
	{ "rotate", 0, OPTION_STRING, &(o)->rotate, "SIZE[,TIME]", "begin a new segment at this size or time (1GiB)", 0, 0 }, \
	{ "keep", 0, OPTION_STRING, &(o)->keep, "SIZE|TIME", "remove the oldest segments beyond this", 0, 0 }, \
	{ "strict", 0, OPTION_FLAG, &(o)->is_strict, NULL, "hold packets rather than let one pass unrecorded", 0, 0 }, \
	{ "priority", 0, OPTION_INT, &(o)->priority, "P", "larger sees packets earlier (0)", -30000, 30000 }, \
	{ "stall", 0, OPTION_DURATION, &(o)->stall_ns, "TIME", "let packets pass when stuck for this long (150ms)", 0, 0 }, \
	{ "queues", 0, OPTION_UINT, &(o)->queues, "N", "kernel queues (chosen)", 1, 8 }, \
	{ "queue-length", 0, OPTION_UINT, &(o)->queue_length, "N", "packets the kernel may hold (chosen)", 1, 1000000 }, \
	{ "no-attribution", 0, OPTION_FLAG, &(o)->has_no_attribution, NULL, "do not find out whose packets they are", 0, 0 }, \
	{ "buffer", 0, OPTION_SIZE, &(o)->buffer_bytes, "SIZE", "memory for packets on their way (3 % of all, at most 231MiB, divert 162MiB; import 32MiB)", 0, 0 }, \
	{ "hash", 0, OPTION_STRING, &(o)->hash, "WHEN", "auto (as it is written, where there is time) or later (once a segment is closed)", 0, 0 }, \
	{ "case", 0, OPTION_STRING, &(o)->case_id, "ID", "case id for the manifest", 0, 0 }, \
	{ "examiner", 0, OPTION_STRING, &(o)->examiner, "NAME", "examiner for the manifest", 0, 0 }, \
	{ "user", 0, OPTION_STRING, &(o)->user, "NAME", "when started as root, run as this user (weir, else nobody)", 0, 0 }, \
	{ "continue", 0, OPTION_FLAG, &(o)->is_continued, NULL, "go on in the store that is there, in its next segment", 0, 0 }, \
	{ "control", 0, OPTION_UINT, &(o)->control_fd, "FD", "take requests from this descriptor; end with it", 3, 1000000 }, \
	{ "json", 0, OPTION_FLAG, &(o)->is_json, NULL, "status and summary as JSON, one object a line", 0, 0 }, \
	{ "quiet", 'q', OPTION_FLAG, &(o)->is_quiet, NULL, "no live status line", 0, 0 }, \
	OPTION_HELP(&(o)->want_help), OPTION_END

/* clang-format on */

/* A passive recorder's packets wait in the kernel's ring, where it has one. */
static bool has_ring(const struct record_kind *kind)
{
	return kind->ops->spans != NULL;
}

/* What of --buffer is the capture queue; the rest is the kernel's rings. */
static uint64_t queue_bytes(uint64_t buffer_bytes)
{
	return buffer_bytes / 4 < SNIFF_QUEUE_BYTES ? buffer_bytes / 4
						    : SNIFF_QUEUE_BYTES;
}

/* Each has a ring, however often it is named. */
static unsigned count_interfaces(const struct record_options *o)
{
	unsigned count = 0;

	for (size_t i = 0; i < o->interfaces.count; i++) {
		size_t first = 0;

		while (strcmp(o->interfaces.items[first], o->interfaces.items[i]) != 0)
			first++;
		count += first == i;
	}
	return count;
}

/* A ring cannot be of any size: what --buffer has no room for would be taken beside it. */
static int check_rings(const struct record_options *o, struct weir_error *err)
{
	unsigned count = count_interfaces(o);
	uint64_t rings = count * (uint64_t)PACKET_RING_LEAST;
	uint64_t least = (4 * rings + 2) / 3;

	if (o->buffer_bytes - queue_bytes(o->buffer_bytes) >= rings)
		return 0;
	if (least > rings + SNIFF_QUEUE_BYTES)
		least = rings + SNIFF_QUEUE_BYTES;
	return err_set(err, WEIR_ERR_USAGE,
		       "--buffer must be at least %" PRIu64 "MiB for %u interfaces",
		       (least + MIB - 1) / MIB, count);
}

static int check_buffer(const struct record_kind *k, const struct record_options *o,
			struct weir_error *err)
{
	uint64_t available;

	if (o->buffer_bytes < UINT64_C(2) << 20 || o->buffer_bytes > UINT64_C(64) << 30)
		return err_set(err, WEIR_ERR_USAGE,
			       "--buffer must be within 2MiB to 64GiB");
	/* Much of it is the kernel's, which would end other programs to have it. */
	available = port_memory_available();
	if (available && o->buffer_bytes > available / 2)
		return err_set(err, WEIR_ERR_LIMIT,
			       "--buffer: %" PRIu64
			       " MiB is more than half of the %" PRIu64
			       " MiB of memory that this machine has left",
			       o->buffer_bytes >> 20, available >> 20);
	return has_ring(k) ? check_rings(o, err) : 0;
}

/* An interface or a layout where it has no meaning is a mistake, not a wish to be ignored. */
static int check_kind(const struct record_kind *k, const struct record_options *o,
		      struct weir_error *err)
{
	const char *odd = NULL;
	struct stat st;

	if (!k->is_inline && o->is_strict)
		odd = "strict";
	else if (!k->ops->is_in_stack && o->priority)
		odd = "priority";
	else if (!k->is_inline && o->queues)
		odd = "queues";
	else if (!k->is_inline && o->queue_length)
		odd = "queue-length";
	else if (!k->is_inline && o->stall_ns != DEFAULT_STALL_NS)
		odd = "stall";
	else if (k->is_import && o->interfaces.count)
		odd = "interface";
	else if (k->is_import && o->for_ns)
		odd = "for";
	else if (k->is_import && o->layer)
		odd = "layer";
	else if (k->is_import && o->is_continued)
		odd = "continue";
	else if (k->is_import && o->control_fd)
		odd = "control";
	else if (k->is_import && o->has_no_attribution)
		odd = "no-attribution";
	if (odd)
		return err_set(err, WEIR_ERR_USAGE, "--%s has no meaning for '%s'", odd,
			       k->name);
	if (o->is_continued && !o->store)
		return err_set(err, WEIR_ERR_USAGE,
			       "--continue goes on in the store that -o names");
	if (o->store && o->stream)
		return err_set(err, WEIR_ERR_USAGE, "-o and -w exclude each other");
	if (o->stream && (o->layout || o->rotate || o->keep || o->hash))
		return err_set(
			err, WEIR_ERR_USAGE,
			"--layout, --rotate, --keep and --hash are a store's, not a stream's");
	if (o->stream && !strcmp(o->stream, "-") && port_is_terminal(1))
		return err_set(
			err, WEIR_ERR_USAGE,
			"pcapng is not written to a terminal: name a file with -w, "
			"or pipe it to its reader");
	if (o->stall_ns < LEAST_STALL_NS || o->stall_ns > MOST_STALL_NS)
		return err_set(err, WEIR_ERR_USAGE, "--stall must be within %dms to %ds",
			       (int)(LEAST_STALL_NS / NS_PER_MS),
			       (int)(MOST_STALL_NS / NS_PER_S));
	/* Before we open any: one of ours would have its number, and be read. */
	if (o->control_fd && fstat((int)o->control_fd, &st))
		return err_set(err, WEIR_ERR_USAGE,
			       "--control: descriptor %d is not open",
			       (int)o->control_fd);
	return check_buffer(k, o, err);
}

static uint64_t default_buffer(const struct record_kind *kind)
{
	uint64_t bytes, others = kind->is_inline ? DIVERT_OTHERS : SNIFF_OTHERS;
	struct port_identity id;

	if (kind->is_import)
		return IMPORT_BYTES;
	port_identity(&id);
	bytes = id.memory_bytes / 100 * 3;
	if (bytes > RECORDER_BYTES)
		bytes = RECORDER_BYTES;
	return bytes > others + BUFFER_LEAST ? bytes - others : BUFFER_LEAST;
}

/* What lasts for no time is not what anybody wants, and no other word for what lasts for ever. */
int record_check_for(int64_t *for_ns, struct weir_error *err)
{
	if (*for_ns == RECORD_FOR_EVER)
		*for_ns = 0;
	else if (*for_ns <= 0)
		return err_set(err, WEIR_ERR_USAGE,
			       "--for must be longer than 0: without it nothing ends "
			       "the recording but its count, or you");
	return 0;
}

int record_options_parse(const struct record_kind *kind, struct record_options *o,
			 int *argc, char **argv, struct weir_error *err)
{
	int rc;

	*o = (struct record_options){ .buffer_bytes = default_buffer(kind),
				      .stall_ns = DEFAULT_STALL_NS,
				      .for_ns = RECORD_FOR_EVER };
	const struct option table[] = { RECORD_ROWS(o) };

	rc = options_parse(table, argc, argv, err);
	if (!rc && !o->want_help)
		rc = record_check_for(&o->for_ns, err);
	if (rc || o->want_help)
		return rc;
	return check_kind(kind, o, err);
}

/* Options that check_kind() refuses are no help. */
static bool is_for_kind(const struct record_kind *k, const char *name)
{
	static const char *const live[] = { "interface", "for",     "layer",
					    "continue",  "control", "no-attribution" };
	static const char *const inline_only[] = { "strict", "stall", "queues",
						   "queue-length" };

	for (size_t i = 0; k->is_import && i < ARRAY_LEN(live); i++)
		if (!strcmp(name, live[i]))
			return false;
	if (!k->ops->is_in_stack && !strcmp(name, "priority"))
		return false;
	for (size_t i = 0; !k->is_inline && i < ARRAY_LEN(inline_only); i++)
		if (!strcmp(name, inline_only[i]))
			return false;
	return true;
}

int record_options_help(const struct record_kind *kind)
{
	struct record_options o;
	const struct option table[] = { RECORD_ROWS(&o) };
	struct option mine[ARRAY_LEN(table)];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (!table[i].name || is_for_kind(kind, table[i].name))
			mine[count++] = table[i];
	return cli_help(command_find(kind->name), mine);
}

/* "10m" is a time, "10MiB" a size: a time ends in a small s, m, h or d. */
static bool is_duration(const char *text)
{
	size_t n = strlen(text);

	return n > 1 && strchr("smhd", text[n - 1]) && isdigit((unsigned char)text[0]);
}

static int parse_limit(const char *name, const char *text, uint64_t *bytes, int64_t *ns,
		       struct weir_error *err)
{
	int rc = is_duration(text) ? duration_parse(text, ns, err)
				   : size_parse(text, bytes, err);

	return rc ? err_prefix(err, "--%s", name) : 0;
}

static int apply_rotation(const struct record_options *o, struct store_config *c,
			  struct weir_error *err)
{
	char first[64];
	const char *comma;
	int rc = 0;

	c->rotate_bytes = DEFAULT_ROTATE_BYTES;
	if (o->keep)
		rc = parse_limit("keep", o->keep, &c->keep_bytes, &c->keep_ns, err);
	if (rc || !o->rotate)
		return rc;
	comma = strchr(o->rotate, ',');
	(void)snprintf(first, sizeof first, "%.*s",
		       (int)(comma ? (size_t)(comma - o->rotate) : strlen(o->rotate)),
		       o->rotate);
	rc = parse_limit("rotate", first, &c->rotate_bytes, &c->rotate_ns, err);
	if (!rc && comma)
		rc = parse_limit("rotate", comma + 1, &c->rotate_bytes, &c->rotate_ns,
				 err);
	if (!rc && c->rotate_bytes < 64 * 1024)
		return err_set(err, WEIR_ERR_USAGE,
			       "--rotate: a segment has at least 64KiB");
	if (!rc && c->rotate_ns && c->rotate_ns < NS_PER_S)
		return err_set(err, WEIR_ERR_USAGE,
			       "--rotate: a segment lasts at least 1s");
	return rc;
}

static int apply_layout(const struct record_options *o, struct store_config *c,
			struct weir_error *err)
{
	static const char *const names[] = { "segments", "files", "pairs" };

	for (unsigned i = 0; o->layout && i < ARRAY_LEN(names); i++) {
		if (!strcmp(o->layout, names[i])) {
			c->layout = (enum store_layout)i;
			return 0;
		}
	}
	if (!o->layout)
		return 0;
	return err_set(err, WEIR_ERR_USAGE,
		       "--layout: '%.60s' is none of segments, files, pairs", o->layout);
}

static int apply_hash(const struct record_options *o, struct store_config *c,
		      struct weir_error *err)
{
	if (!o->hash || !strcmp(o->hash, "auto"))
		return 0;
	c->is_hash_deferred = true;
	if (!strcmp(o->hash, "later"))
		return 0;
	return err_set(err, WEIR_ERR_USAGE, "--hash: '%.60s' is none of auto, later",
		       o->hash);
}

static int apply_layer(const struct record_kind *kind, const struct record_options *o,
		       struct source_config *c, struct weir_error *err)
{
	if (!o->layer || !strcmp(o->layer, "network"))
		return 0;
	if (kind->ops->is_in_stack && !strcmp(o->layer, "forward")) {
		c->is_forward = true;
		return 0;
	}
	return err_set(err, WEIR_ERR_USAGE,
		       "--layer: '%.60s' is not a layer of 'weir %s'", o->layer,
		       kind->name);
}

static void divide_memory(const struct record_kind *kind, const struct record_options *o,
			  struct session_config *c)
{
	struct crew crew;

	c->memory_bytes = o->buffer_bytes;
	if (!has_ring(kind))
		return;
	crew_choose(&crew, pace_processors());
	c->memory_bytes = queue_bytes(o->buffer_bytes);
	c->source.kernel_memory_bytes = o->buffer_bytes - c->memory_bytes;
	/* A reader that is slow to take a stream is waited for beside the capturing. */
	c->is_one_thread =
		crew.is_one_thread && !o->stream && c->store.layout == STORE_SEGMENTS;
	c->threads_why =
		crew.is_one_thread && !c->is_one_thread
			? "one thread captures, one writes: a slow reader, or a file "
			  "a packet, must not hold up the capturing"
			: crew.sniff;
}

int record_options_apply(const struct record_kind *kind, const struct record_options *o,
			 struct session_config *c, struct weir_error *err)
{
	int rc = apply_rotation(o, &c->store, err);

	if (!rc)
		rc = apply_layout(o, &c->store, err);
	if (!rc)
		rc = apply_hash(o, &c->store, err);
	if (!rc)
		rc = apply_layer(kind, o, &c->source, err);
	if (rc)
		return rc;
	c->ops = kind->ops;
	c->stream = o->stream;
	c->has_attribution = !kind->is_import && !o->has_no_attribution;
	c->count = o->count;
	divide_memory(kind, o, c);
	c->is_blocking = kind->is_import || o->is_strict;
	c->is_untimed = kind->is_import;
	c->is_inline = kind->is_inline;
	c->source.interfaces = o->interfaces.count ? o->interfaces.items : NULL;
	c->source.snaplen = c->store.snaplen = (uint32_t)o->snaplen;
	c->source.is_strict = o->is_strict;
	c->source.priority = (int)o->priority;
	c->source.queues = (unsigned)o->queues;
	c->source.queue_length = (uint32_t)o->queue_length;
	c->source.stall_ns = o->stall_ns;
	c->store.path = o->stream ? o->stream : o->store;
	c->store.is_continued = o->is_continued;
	c->store.has_packet_clock = kind->is_import;
	c->store.mode = kind->name;
	c->store.clock = kind->ops->clock;
	c->store.case_id = o->case_id;
	c->store.examiner = o->examiner;
	return 0;
}
