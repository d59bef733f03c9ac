/* The source that replays: packets of pcap and pcapng files (and stores), one input after the
 * other, as they stand there.
 *
 * Nothing here depends on the clock or on how fast the store is, so that the same inputs give the
 * same segments.  What cannot be read is counted in LOSS_DAMAGED; what comes after it in the same
 * input is lost, the next input is not. */
#include "base/hash.h"
#include "base/mem.h"
#include "capture/source.h"
#include "filter/recorded.h"
#include "store/form.h"
#include "weir/reader.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_PACKETS 256 /* between looks at the stop event */
#define HASH_CHUNK   (64 * 1024)
#define NAMED_INPUTS (IFACE_MAX / 2)

/* An input that cannot be opened twice (standard input, a pipe): hashed as it is read. */
struct once {
	struct reader *reader;
	struct byte_tap tap;
};

struct source {
	struct source_context *context;
	struct once *once; /* for each input; a file and a store have no reader here */
	size_t count;      /* of inputs */
	struct reader *reader; /* of the input that is being read */
	const char *input;
	struct once *from; /* that input; NULL: a file or a store */
	/* The name of interfaces without one: their input's, or, of more inputs than the table of
	 * interfaces is to hold, that of the first input that has such. */
	const char *nameless;
	/* The reader's interfaces as ours; NULL: not met yet. */
	struct iface **ifaces;
	size_t iface_room;
	/* Of this input; cut: longer than a record can be; owned: recorded without their process;
	 * refused: the store has no room for their interface. */
	uint64_t packets, cut, owned, refused;
	uint64_t all_refused; /* of all inputs */
	int rc;               /* the first error, told at the end */
	struct weir_error error;
};

static bool is_standard_input(const char *path)
{
	return !strcmp(path, "-");
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Remembers the first error; the others are in the manifest. */
static void fail(struct source *s, int rc, const struct weir_error *err)
{
	if (s->rc)
		return;
	s->rc = rc;
	s->error = *err;
}

/* What has been read from it is gone: a pipe, not a file or a store. */
static bool is_read_once(const char *path)
{
	struct stat st;

	return is_standard_input(path) ||
	       (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static int open_once(struct once *o, const char *path, struct weir_error *err)
{
	struct byte_source source = byte_source_fd(STDIN_FILENO, UINT64_MAX, false);
	int fd;

	o->tap.hash = hash_new();
	if (!o->tap.hash)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a hash");
	if (!is_standard_input(path)) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return err_sys(err, "cannot open '%.200s'", path);
		source = byte_source_fd(fd, UINT64_MAX, true);
	}
	source.tap = &o->tap;
	return reader_open_source(&o->reader,
				  is_standard_input(path) ? "standard input" : path,
				  source, err);
}

/* Each input is opened once beforehand: a word that is no capture should not leave half a store. */
static int try_inputs(struct source *s, struct weir_error *err)
{
	const char *const *inputs = s->context->config->inputs;
	bool has_standard_input = false;

	for (size_t i = 0; i < s->count; i++) {
		struct reader *r = NULL;
		int rc;

		if (is_standard_input(inputs[i]) && has_standard_input)
			return err_set(err, WEIR_ERR_USAGE,
				       "standard input is named more than once");
		has_standard_input = has_standard_input || is_standard_input(inputs[i]);
		if (is_read_once(inputs[i]))
			rc = open_once(&s->once[i], inputs[i], err);
		else
			rc = reader_open(&r, inputs[i], err);
		if (rc)
			return rc;
		reader_free(r);
	}
	return 0;
}

static void import_close(struct source *s)
{
	if (!s)
		return;
	reader_free(s->reader);
	for (size_t i = 0; s->once && i < s->count; i++) {
		reader_free(s->once[i].reader);
		hash_free(s->once[i].tap.hash);
	}
	mem_free(s->once);
	mem_free(s->ifaces);
	mem_free(s);
}

static int import_open(struct source **out, struct source_context *context,
		       struct weir_error *err)
{
	struct source *s = mem_new(1, sizeof *s);
	int rc;

	*out = NULL;
	if (!s)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the import");
	s->context = context;
	while (context->config->inputs[s->count])
		s->count++;
	s->once = mem_new(s->count + 1, sizeof *s->once);
	rc = s->once ? try_inputs(s, err)
		     : err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the import");
	if (rc)
		import_close(s);
	else
		*out = s;
	return rc;
}

static int import_start(struct source *s, struct weir_error *err)
{
	(void)s;
	(void)err;
	return 0;
}

static bool is_same(const struct iface_info *a, const struct iface_info *b)
{
	return a->linktype == b->linktype && a->snaplen == b->snaplen &&
	       a->index == b->index && a->mtu == b->mtu && a->speed_bps == b->speed_bps &&
	       a->has_mac == b->has_mac && !memcmp(a->mac, b->mac, sizeof a->mac) &&
	       a->addr_count == b->addr_count &&
	       !memcmp(a->addrs, b->addrs, a->addr_count * sizeof a->addrs[0]) &&
	       !strcmp(a->name, b->name) && !strcmp(a->description, b->description) &&
	       !strcmp(a->filter, b->filter) && !strcmp(a->hardware, b->hardware) &&
	       !strcmp(a->os, b->os);
}

/* The same interface in several inputs (a rotated capture) is one. */
static struct iface *find_same(const struct iface_table *t, const struct iface_info *info)
{
	for (unsigned i = 0; i < iface_count(t); i++)
		if (is_same(&iface_at(t, i)->info, info))
			return iface_at(t, i);
	return NULL;
}

static struct iface *learn(struct source *s, unsigned index, struct weir_error *err)
{
	uint32_t snaplen = s->context->config->snaplen;
	struct iface_info info = *reader_iface(s->reader, index);
	struct iface *f;

	if (!info.name[0]) {
		if (!s->nameless || s->count <= NAMED_INPUTS)
			s->nameless = base_name(s->input);
		(void)snprintf(info.name, sizeof info.name, "%s", s->nameless);
	}
	if (snaplen && (!info.snaplen || info.snaplen > snaplen))
		info.snaplen = snaplen;
	f = find_same(s->context->ifaces, &info);
	return f ? f : iface_add(s->context->ifaces, &info, err);
}

static struct iface *our_iface(struct source *s, unsigned index, struct weir_error *err)
{
	if (index >= s->iface_room) {
		size_t room = index + 16U;
		struct iface **more = mem_grow(s->ifaces, room, sizeof(struct iface *));

		if (!more) {
			(void)err_set(err, WEIR_ERR_NO_MEMORY,
				      "no memory for %zu interfaces", room);
			return NULL;
		}
		for (size_t i = s->iface_room; i < room; i++)
			more[i] = NULL;
		s->ifaces = more;
		s->iface_room = room;
	}
	if (!s->ifaces[index])
		s->ifaces[index] = learn(s, index, err);
	return s->ifaces[index];
}

/* Before the copy. */
static bool is_wanted(const struct source *s, const struct packet *p)
{
	const struct filter *filter = s->context->config->filter;
	const struct iface_info *info;
	struct recorded r = { .data = p->data,
			      .caplen = p->caplen,
			      .len = p->len,
			      .linktype = p->linktype,
			      .ns = p->ns,
			      .flags = p->has_flags ? p->flags : 0,
			      .has_pid = p->has_pid,
			      .pid = p->pid };

	if (!filter)
		return true;
	info = reader_iface(s->reader, p->iface);
	r.iface = info->name;
	r.if_idx = info->index;
	r.is_loopback = iface_is_loopback(info);
	return filter_takes(filter, &r);
}

static uint32_t limit_length(struct source *s, uint32_t caplen)
{
	uint32_t limit = s->context->config->snaplen;

	if (limit && caplen > limit)
		caplen = limit;
	if (caplen <= RECORD_MAX_DATA)
		return caplen;
	s->cut++;
	return RECORD_MAX_DATA;
}

static int record(struct source *s, const struct packet *p, struct weir_error *err)
{
	struct record_meta meta = { .ns = p->ns,
				    .flags = p->has_flags ? p->flags : 0,
				    /* Packet lists are JSON, whose integers end there. */
				    .drops = p->drops < INT64_MAX ? p->drops : INT64_MAX,
				    .queue = p->queue,
				    .has_queue = p->has_queue };
	struct iface *iface = our_iface(s, p->iface, err);
	uint32_t caplen;

	if (!iface)
		return err->code;
	counter_add(&iface->received, 1);
	counter_add(&iface->received_bytes, p->len);
	/* A record's time is unsigned. */
	if (p->ns < 0) {
		loss_add(s->context->losses, LOSS_DAMAGED, 1, p->caplen);
		(void)err_set(err, WEIR_ERR_FORMAT,
			      "cannot record packet %" PRIu64
			      " of '%s': its time is %" PRId64 " ns, before 1970",
			      s->packets, s->input, p->ns);
		fail(s, WEIR_ERR_FORMAT, err);
		return 0;
	}
	s->owned += p->has_pid;
	caplen = limit_length(s, p->caplen);
	(void)producer_put(s->context->producer, iface, p->data, caplen, p->len, &meta);
	return 0;
}

/* Of an interface that the store has no room for; what comes behind it may be of others.  The input's
 * first is told, the others are counted. */
static void refuse(struct source *s, const struct packet *p, struct weir_error *why,
		   struct weir_error *err)
{
	loss_add(s->context->losses, LOSS_DAMAGED, 1, p->caplen);
	s->all_refused++;
	if (s->refused++)
		return;
	(void)err_prefix(why, "cannot record packet %" PRIu64 " of '%.200s'", s->packets,
			 s->input);
	*err = *why;
	fail(s, WEIR_ERR_LIMIT, err);
}

/* One packet of the input. */
static int take(struct source *s, const struct packet *p, struct weir_error *err)
{
	struct weir_error why = { 0 };
	int rc;

	s->packets++;
	if (!is_wanted(s, p))
		return 0;
	rc = record(s, p, &why);
	if (rc == WEIR_ERR_LIMIT) {
		refuse(s, p, &why, err);
		return 0;
	}
	if (why.code)
		*err = why;
	return rc;
}

/* 1: goes on; 0: the input's end; negative: the whole import ends. */
static int step(struct source *s, struct weir_error *err)
{
	struct packet p;
	int rc = reader_next(s->reader, &p, err);

	if (rc < 0) {
		uint64_t unread = reader_unread(s->reader);

		/* What cannot be read is at least one packet. */
		loss_add(s->context->losses, LOSS_DAMAGED, unread ? unread : 1, 0);
		fail(s, rc, err);
		return 0;
	}
	if (!rc)
		return 0;
	rc = take(s, &p, err);
	if (rc < 0)
		return rc;
	if (s->packets % STOP_PACKETS == 0 && port_event_wait(s->context->stop, 0))
		return err_set(err, WEIR_ERR_CLOSED,
			       "stopped before the end of '%s', after %" PRIu64
			       " packets",
			       s->input, s->packets);
	return !producer_is_done(s->context->producer);
}

/* Of a regular file; empty where there is none. */
static void hash_input(const char *path, char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES], *chunk = mem_new(1, HASH_CHUNK);
	struct hash *h = hash_new();
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;
	ssize_t n = -1;

	hex[0] = '\0';
	if (h && chunk && fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		while (!rc && (n = read(fd, chunk, HASH_CHUNK)) > 0)
			rc = hash_update(h, chunk, (size_t)n);
		if (!rc && !n && !hash_finish(h, digest))
			hash_hex(digest, hex);
	}
	mem_free(chunk);
	hash_free(h);
	if (fd >= 0)
		(void)close(fd);
}

/* What a store says of itself holds for what is made of it. */
static void tell_standing(json_t *j, const struct standing *of)
{
	json_t *more;

	if (!of->is_store)
		return;
	more = json_pack("{s:o, s:b, s:I, s:I, s:I, s:o}", "grade",
			 of->grade[0] ? json_string(of->grade) : json_null(), "live",
			 (int)of->is_live, "lost", (json_int_t)of->lost,
			 "removed_segments", (json_int_t)of->removed_segments,
			 "removed_packets", (json_int_t)of->removed_packets,
			 "manifest_head",
			 of->head[0] ? json_string(of->head) : json_null());
	(void)json_object_update(j, more);
	json_decref(more);
}

/* Of all of it: of one that was not read to its end nothing can be said. */
static void hash_once_read(const struct once *o, char hex[HASH_HEX])
{
	uint8_t digest[HASH_BYTES];

	if (o->tap.is_whole && !o->tap.has_failed && !hash_so_far(o->tap.hash, digest))
		hash_hex(digest, hex);
}

static void tell_input(struct source *s, const struct weir_error *err)
{
	char hex[HASH_HEX] = "";
	json_t *j;

	if (!s->context->store)
		return;
	if (s->from)
		hash_once_read(s->from, hex);
	else
		hash_input(s->input, hex);
	j = json_pack("{s:I, s:I}", "packets", (json_int_t)s->packets, "cut_packets",
		      (json_int_t)s->cut);
	if (!j)
		return;
	if (reader_stated_drops(s->reader))
		(void)json_object_set_new(
			j, "stated_drops",
			json_integer((json_int_t)reader_stated_drops(s->reader)));
	if (s->owned)
		(void)json_object_set_new(j, "processes_left_out",
					  json_integer((json_int_t)s->owned));
	if (s->refused)
		(void)json_object_set_new(j, "refused_packets",
					  json_integer((json_int_t)s->refused));
	/* A name is bytes: one that is no UTF-8 cannot stand in JSON, and is left out. */
	(void)json_object_set_new(j, "input", json_string(s->input));
	if (hex[0])
		(void)json_object_set_new(j, "sha256", json_string(hex));
	tell_standing(j, reader_standing(s->reader));
	if (err->code)
		(void)json_object_set_new(j, "error", json_string(err->text));
	store_event(s->context->store, "input", j);
}

static int run_input(struct source *s, size_t index, struct weir_error *err)
{
	struct weir_error here = { 0 };
	const struct standing *of;
	int rc;

	s->packets = s->cut = s->owned = s->refused = 0;
	s->input = s->context->config->inputs[index];
	s->reader = s->once[index].reader;
	s->once[index].reader = NULL;
	s->from = s->reader ? &s->once[index] : NULL;
	if (!s->from) {
		rc = reader_open(&s->reader, s->input, &here);
		if (rc) {
			fail(s, rc, &here);
			return 0;
		}
	}
	for (size_t i = 0; i < s->iface_room; i++)
		s->ifaces[i] = NULL;
	of = reader_standing(s->reader);
	if (of->is_store && grade_of(of->grade) > s->context->at_best)
		s->context->at_best = grade_of(of->grade);
	do {
		rc = step(s, &here);
	} while (rc > 0);
	tell_input(s, &here);
	reader_free(s->reader);
	s->reader = NULL;
	if (rc && err)
		*err = here;
	return rc;
}

static int import_run(struct source *s, struct weir_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < s->count && !rc && !producer_is_done(s->context->producer);
	     i++)
		rc = run_input(s, i, err);
	if (rc || !s->rc)
		return rc;
	if (err && s->all_refused)
		(void)err_set(err, s->error.code,
			      "%.300s; %" PRIu64
			      " packets are of interfaces that the store has no room for",
			      s->error.text, s->all_refused);
	else if (err)
		*err = s->error;
	return s->rc;
}

static int import_drain(struct source *s, struct weir_error *err)
{
	(void)err;
	producer_flush(s->context->producer, port_monotonic_ns(), true);
	return 0;
}

static json_t *import_describe(struct source *s)
{
	(void)s;
	return NULL;
}

/* A reader's window is at most a block of the input (include/weir/reader.h). */
static uint64_t import_memory(const struct source *s)
{
	return sizeof *s;
}

const struct source_ops source_import = {
	.name = "import",
	.clock = "the inputs' own: packet times are as they stand there, in ns",
	.open = import_open,
	.start = import_start,
	.run = import_run,
	.drain = import_drain,
	.describe = import_describe,
	.memory = import_memory,
	.close = import_close,
};
