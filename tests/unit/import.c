/* The replaying source: order, times, interfaces, damage, limits; the same input gives the same
 * bytes. */
#include "base/bytes.h"
#include "capture/source.h"
#include "lib/build.h"
#include "lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct build file;
static char folder[] = "/tmp/weir-import.XXXXXX";
static char paths[8][64];

/* Stands in for the store's: what the source tells is looked at here. */
static char told[2048];

void store_event(struct store *s, const char *type, json_t *members)
{
	char *text = json_dumps(members, JSON_COMPACT | JSON_SORT_KEYS);
	size_t used = strlen(told);

	(void)s;
	(void)snprintf(told + used, sizeof told - used, "%s %s\n", type, text);
	free(text);
	json_decref(members);
}

static const char *save(unsigned n)
{
	FILE *f;

	(void)snprintf(paths[n], sizeof paths[n], "%s/in%u", folder, n);
	f = fopen(paths[n], "wb");
	if (f) {
		CHECK_EQ(fwrite(file.bytes, 1, file.length, f), file.length);
		(void)fclose(f);
	}
	file.length = 0;
	file.is_big = false;
	return paths[n];
}

/* What a run gave. */
static struct result {
	uint8_t bytes[65536];
	size_t length;
	unsigned packets, lanes[LANE_MAX];
	struct iface_info ifaces[8];
	unsigned iface_count;
	uint64_t damaged;
	enum store_grade at_best;
	struct weir_error err;
} a, b;

static struct port_event stop, wake;

static void take_all(struct producer *p, struct result *r)
{
	struct span *span;

	while ((span = producer_take(p)) != NULL) {
		memcpy(r->bytes + r->length, span->data, span->length);
		r->length += span->length;
		r->packets += span->packets;
		r->lanes[span->lane] += span->packets;
		span->release(span);
	}
}

static int import(struct result *r, struct source_config config, uint64_t count)
{
	struct producer_config pc = { .memory_bytes = 4 << 20,
				      .block_bytes = 512 * 1024,
				      .count_limit = count,
				      .is_blocking = true,
				      .is_untimed = true,
				      .wake_writer = &wake };
	struct losses losses = { 0 };
	struct source_context x = { .config = &config, .stop = &stop, .losses = &losses };
	struct source *s = NULL;
	int rc;

	memset(r, 0, sizeof *r);
	told[0] = '\0';
	x.ifaces = iface_table_new();
	/* Only for store_event() above. */
	x.store = (struct store *)(void *)&losses;
	rc = producer_new(&x.producer, &pc, &r->err);
	if (!rc)
		rc = source_import.open(&s, &x, &r->err);
	if (!rc) {
		rc = source_import.start(s, &r->err);
		rc = rc ? rc : source_import.run(s, &r->err);
		CHECK_EQ(source_import.drain(s, NULL), 0);
		take_all(x.producer, r);
		source_import.close(s);
	}
	for (unsigned i = 0; i < iface_count(x.ifaces) && i < ARRAY_LEN(r->ifaces); i++)
		r->ifaces[i] = iface_at(x.ifaces, i)->info;
	r->iface_count = iface_count(x.ifaces);
	r->at_best = x.at_best;
	r->damaged = counter_read(&losses.packets[LOSS_DAMAGED]);
	producer_free(x.producer);
	iface_table_free(x.ifaces);
	return rc;
}

static int import_paths(struct result *r, const char *one, const char *two)
{
	const char *inputs[] = { one, two, NULL };

	return import(r, (struct source_config){ .inputs = inputs }, 0);
}

static uint64_t record_ns(const uint8_t *r)
{
	return (uint64_t)get_u32le(r + 12) << 32 | get_u32le(r + 16);
}

static void test_pcap_of_us_becomes_ns(void)
{
	const uint8_t *r = a.bytes;

	file.is_big = true;
	pcap_header(&file, 0xa1b2c3d4, 65535, LINKTYPE_ETHERNET);
	pcap_record(&file, 1700000000, 123456, 20, 60);
	CHECK_EQ(import_paths(&a, save(0), NULL), 0);
	CHECK_EQ(a.packets, 1);
	CHECK_EQ(a.iface_count, 1);
	/* No name of its own: the file's. */
	CHECK_STR(a.ifaces[0].name, "in0");
	CHECK_EQ(a.ifaces[0].linktype, LINKTYPE_ETHERNET);
	CHECK_EQ(a.ifaces[0].snaplen, 65535);
	CHECK_EQ(record_ns(r), 1700000000123456000);
	CHECK_EQ(get_u32le(r + 20), 20);
	CHECK_EQ(get_u32le(r + 24), 60);
	for (uint8_t i = 0; i < 20; i++)
		CHECK_EQ(r[28 + i], i);
}

static void make_ng(void)
{
	const uint8_t flags[4] = { 2, 1, 0, 0 }, drops[8] = { 9 }, resolution = 9;
	const uint8_t process[8] = { 1, 0, 0, 0, 1, 0, 0, 0 };

	ng_begin(&file, 0x0a0d0d0a);
	put32(&file, 0x1a2b3c4d);
	put16(&file, 1);
	put16(&file, 0);
	put64(&file, UINT64_MAX);
	ng_end(&file);
	for (unsigned i = 0; i < 2; i++) {
		ng_begin(&file, 1);
		put16(&file, i ? LINKTYPE_RAW : LINKTYPE_ETHERNET);
		put16(&file, 0);
		put32(&file, 0);
		ng_option(&file, 2, i ? "tun0" : "eth0", 4);
		ng_option(&file, 9, &resolution, 1);
		ng_option(&file, 0, "", 0);
		ng_end(&file);
	}
	for (unsigned i = 0; i < 3; i++) {
		ng_begin(&file, 6);
		put32(&file, i == 1);
		put32(&file, 0x01234567);
		put32(&file, 0x89abcdef + i);
		put32(&file, 4);
		put32(&file, 4);
		put_bytes(&file, "data", 4);
		ng_option(&file, 2, flags, 4);
		if (i == 0)
			ng_option(&file, 8, process, 8);
		if (i == 2)
			ng_option(&file, 4, drops, 8);
		ng_option(&file, 0, "", 0);
		ng_end(&file);
	}
}

static void test_pcapng_keeps_interfaces_flags_and_drops(void)
{
	make_ng();
	CHECK_EQ(import_paths(&a, save(0), NULL), 0);
	CHECK_EQ(a.packets, 3);
	CHECK_EQ(a.iface_count, 2);
	CHECK_STR(a.ifaces[0].name, "eth0");
	CHECK_STR(a.ifaces[1].name, "tun0");
	/* One link type a lane. */
	CHECK_EQ(a.lanes[0], 2);
	CHECK_EQ(a.lanes[1], 1);
	CHECK_EQ(record_ns(a.bytes), 0x0123456789abcdef);
	CHECK_EQ(get_u32le(a.bytes + 36), 0x102);
	/* The second of its lane: flags, id, drops. */
	CHECK_EQ(record_ns(a.bytes + 60), 0x0123456789abcdf1);
	CHECK_EQ(get_u32le(a.bytes + 60 + 52), 4 | 8 << 16);
	CHECK_EQ(get_u64le(a.bytes + 60 + 56), 9);
	/* Whose packet the first was is not kept, and said to be left out. */
	CHECK(strstr(told, "\"processes_left_out\":1,") != NULL);
}

/* JSON's integers end at 2^63 - 1: a larger count would make a packet's line unreadable. */
static void test_drops_beyond_json(void)
{
	make_ng();
	memset(file.bytes + file.length - 16, 0xff, 8);
	CHECK_EQ(import_paths(&a, save(0), NULL), 0);
	CHECK_EQ(a.packets, 3);
	CHECK_EQ(get_u64le(a.bytes + 60 + 56), INT64_MAX);
}

static void test_twice_gives_the_same_bytes(void)
{
	make_ng();
	(void)save(0);
	pcap_header(&file, 0xa1b23c4d, 262144, LINKTYPE_ETHERNET);
	for (unsigned i = 0; i < 300; i++)
		pcap_record(&file, i, 999999999, i % 100, 1500);
	(void)save(1);
	CHECK_EQ(import_paths(&a, paths[0], paths[1]), 0);
	CHECK_EQ(import_paths(&b, paths[0], paths[1]), 0);
	CHECK_EQ(a.packets, 303);
	CHECK(a.length == b.length && !memcmp(a.bytes, b.bytes, a.length));
	/* The order given counts. */
	CHECK_EQ(import_paths(&b, paths[1], paths[0]), 0);
	CHECK(a.length == b.length && memcmp(a.bytes, b.bytes, a.length) != 0);
}

static void test_interfaces_of_several_inputs(void)
{
	make_ng();
	(void)save(0);
	make_ng();
	(void)save(1);
	/* The same description is the same interface, as in a capture that was rotated. */
	CHECK_EQ(import_paths(&a, paths[0], paths[1]), 0);
	CHECK_EQ(a.iface_count, 2);
	CHECK_EQ(a.packets, 6);
	/* Without a name each is named by its input. */
	for (unsigned i = 0; i < 2; i++) {
		pcap_header(&file, 0xa1b23c4d, 100, LINKTYPE_ETHERNET);
		pcap_record(&file, i, 0, 10, 10);
		(void)save(i);
	}
	CHECK_EQ(import_paths(&a, paths[0], paths[1]), 0);
	CHECK_EQ(a.iface_count, 2);
	CHECK_STR(a.ifaces[0].name, "in0");
	CHECK_STR(a.ifaces[1].name, "in1");
	CHECK_EQ(a.packets, 2);
}

/* One interface, and one packet of it, for each number below `count`. */
static void make_many(unsigned count)
{
	char name[8];

	ng_begin(&file, 0x0a0d0d0a);
	put32(&file, 0x1a2b3c4d);
	put32(&file, 1);
	put64(&file, UINT64_MAX);
	ng_end(&file);
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "if%u", i);
		ng_begin(&file, 1);
		put32(&file, LINKTYPE_ETHERNET);
		put32(&file, 0);
		ng_option(&file, 2, name, (uint16_t)strlen(name));
		ng_option(&file, 0, "", 0);
		ng_end(&file);
	}
	for (unsigned i = 0; i < count; i++) {
		ng_begin(&file, 6);
		put32(&file, i);
		put64(&file, 0);
		put64(&file, 0);
		ng_end(&file);
	}
}

static void put_packet(uint32_t iface)
{
	ng_begin(&file, 6);
	put32(&file, iface);
	put64(&file, 0);
	put64(&file, 0);
	ng_end(&file);
}

/* Of an input with more interfaces than a store can have every packet that has no place is counted, and
 * every other one recorded, also behind them; the next input is read. */
static void test_too_many_interfaces(void)
{
	make_many(IFACE_MAX + 2);
	put_packet(IFACE_MAX);
	put_packet(5);
	put_packet(IFACE_MAX + 1);
	(void)save(0);
	make_many(3);
	(void)save(1);
	CHECK_EQ(import_paths(&a, paths[0], paths[1]), WEIR_ERR_LIMIT);
	CHECK_EQ(a.packets, IFACE_MAX + 1 + 3);
	CHECK_EQ(a.iface_count, IFACE_MAX);
	CHECK_EQ(a.damaged, 4);
	CHECK(strstr(a.err.text, paths[0]) != NULL);
	CHECK(strstr(a.err.text,
		     "; 4 packets are of interfaces that the store has no room for") !=
	      NULL);
	CHECK(strstr(told, "\"refused_packets\":4") != NULL);
	CHECK(strstr(told, "cannot record packet 257 of") != NULL);
	CHECK(strstr(told, "\"packets\":3,") != NULL);
}

static void test_damage_is_told_and_the_next_input_read(void)
{
	pcap_header(&file, 0xa1b23c4d, 100, LINKTYPE_ETHERNET);
	pcap_record(&file, 1, 0, 10, 10);
	pcap_record(&file, 2, 0, 10, 10);
	file.length -= 3;
	(void)save(0);
	pcap_header(&file, 0xa1b23c4d, 100, LINKTYPE_ETHERNET);
	pcap_record(&file, 3, 0, 10, 10);
	(void)save(1);
	CHECK(import_paths(&a, paths[0], paths[1]) < 0);
	CHECK_EQ(a.packets, 2);
	CHECK_EQ(a.damaged, 1);
	CHECK(strstr(a.err.text, paths[0]) != NULL);
	CHECK(strstr(told, "\"error\":") != NULL);
	CHECK(strstr(told, "\"packets\":1,") != NULL);
}

static void test_time_before_1970_is_refused(void)
{
	const uint8_t offset[8] = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	ng_begin(&file, 0x0a0d0d0a);
	put32(&file, 0x1a2b3c4d);
	put32(&file, 1);
	put64(&file, UINT64_MAX);
	ng_end(&file);
	ng_begin(&file, 1);
	put32(&file, LINKTYPE_ETHERNET);
	put32(&file, 0);
	ng_option(&file, 14, offset, 8); /* if_tsoffset: 2 s back */
	ng_option(&file, 0, "", 0);
	ng_end(&file);
	for (uint32_t i = 1; i < 4; i++) {
		ng_begin(&file, 6);
		put32(&file, 0);
		put32(&file, 0);
		put32(&file, i * 1000000);
		put64(&file, 0);
		ng_end(&file);
	}
	CHECK_EQ(import_paths(&a, save(0), NULL), WEIR_ERR_FORMAT);
	CHECK_EQ(a.damaged, 1);
	CHECK_EQ(a.packets, 2);
	CHECK(strstr(a.err.text, "1970") != NULL);
	CHECK_EQ(record_ns(a.bytes), 0);
}

static void test_snaplen_and_count(void)
{
	const char *inputs[] = { paths[0], NULL };

	pcap_header(&file, 0xa1b23c4d, 65535, LINKTYPE_ETHERNET);
	for (uint32_t i = 0; i < 5; i++)
		pcap_record(&file, i, 0, 50, 60);
	(void)save(0);
	CHECK_EQ(import(&a, (struct source_config){ .inputs = inputs, .snaplen = 40 }, 3),
		 0);
	CHECK_EQ(a.packets, 3);
	CHECK_EQ(a.ifaces[0].snaplen, 40);
	CHECK_EQ(get_u32le(a.bytes + 20), 40);
	CHECK_EQ(get_u32le(a.bytes + 24), 60);
}

static void test_stop_is_not_the_end(void)
{
	pcap_header(&file, 0xa1b23c4d, 65535, LINKTYPE_ETHERNET);
	for (uint32_t i = 0; i < 1000; i++)
		pcap_record(&file, i, 0, 1, 1);
	(void)save(0);
	port_event_set(&stop);
	CHECK_EQ(import_paths(&a, paths[0], NULL), WEIR_ERR_CLOSED);
	port_event_clear(&stop);
	CHECK(a.packets > 0 && a.packets < 1000);
	CHECK(strstr(a.err.text, "before the end") != NULL);
}

struct feeding {
	char path[64];
	ssize_t written;
};

/* Writes the file made last into a pipe, once. */
static void *feed(void *arg)
{
	struct feeding *f = arg;
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);

	f->written = write(fd, file.bytes, file.length);
	(void)close(fd);
	return NULL;
}

/* How often the SHA-256 that was told first was told. */
static unsigned count_hash(void)
{
	const char *first = strstr(told, "\"sha256\":\"");
	unsigned n = 0;
	char text[80];

	if (!first)
		return 0;
	(void)snprintf(text, sizeof text, "%.75s", first);
	for (const char *at = told; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* What is read from a pipe is gone: it is opened once, and hashed as it is read. */
static void test_pipe(void)
{
	struct port_thread *writer;
	struct feeding f = { .written = 0 };

	make_ng();
	(void)save(0);
	make_ng();
	(void)snprintf(f.path, sizeof f.path, "%s/pipe", folder);
	if (mkfifoat(AT_FDCWD, f.path, 0600)) {
		CHECK_EQ(errno, ENOSYS); /* a system where none can be made */
		file.length = 0;
		return;
	}
	CHECK_EQ(port_thread_start(&writer, "feed", feed, &f, NULL), 0);
	CHECK_EQ(import_paths(&a, f.path, paths[0]), 0);
	port_thread_join(writer);
	CHECK_EQ(f.written, (int)file.length);
	file.length = 0;
	CHECK_EQ(a.packets, 6);
	CHECK(strstr(told, "/pipe\"") != NULL);
	/* The file behind it is the same. */
	CHECK_EQ(count_hash(), 2);
	CHECK_EQ(unlink(f.path), 0);
}

/* A store without packets, its last line as given; NULL: none.  Its manifest's descriptor. */
static int save_store(char path[64], const char *last)
{
	static const char start[] =
		"{\"seq\":1,\"type\":\"start\",\"format\":1,\"layout\":\"segments\"}\n";
	char name[96], text[512];
	int fd, n;

	(void)snprintf(path, 64, "%s/store", folder);
	(void)snprintf(name, sizeof name, "%s/manifest.jsonl", path);
	n = snprintf(text, sizeof text, "%s%s", start, last ? last : "");
	CHECK(!mkdir(path, 0700) || errno == EEXIST);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, text, (size_t)n) == n);
	return fd;
}

/* No import is better than what it was made of, and it says what that was. */
static void test_a_store_is_no_better_for_an_import(void)
{
	char path[64], name[96];
	int fd =
		save_store(path, "{\"seq\":2,\"type\":\"end\",\"grade\":\"complete\"}\n");

	(void)close(fd);
	CHECK_EQ(import_paths(&a, path, NULL), 0);
	CHECK_EQ(a.at_best, GRADE_COMPLETE);
	CHECK(strstr(told, "\"grade\":\"complete\"") && strstr(told, "\"lost\":0,"));

	fd = save_store(path,
			"{\"seq\":2,\"type\":\"end\",\"grade\":\"complete-with-loss\","
			"\"losses\":{\"kernel\":{\"packets\":9,\"bytes\":0}}}\n");
	(void)close(fd);
	make_ng();
	CHECK_EQ(import_paths(&a, path, save(0)), 0);
	CHECK_EQ(a.at_best, GRADE_WITH_LOSS);
	CHECK_EQ(a.packets, 3);
	CHECK(strstr(told, "\"grade\":\"complete-with-loss\"") &&
	      strstr(told, "\"lost\":9,") && strstr(told, "\"live\":false"));
	/* `printf '%s' LINE | sha256sum` */
	CHECK(strstr(told,
		     "\"manifest_head\":\"7e8642672c8906d5c7498c0e33c636580c956a497fb13b9d89354a755079f96a\"") !=
	      NULL);
	/* A file says nothing of itself. */
	CHECK_EQ(import_paths(&a, paths[0], NULL), 0);
	CHECK_EQ(a.at_best, GRADE_COMPLETE);
	CHECK(!strstr(told, "grade"));

	/* Its recorder lives: it has the lock. */
	fd = save_store(path, NULL);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK_EQ(import_paths(&a, path, NULL), 0);
	(void)close(fd);
	CHECK_EQ(a.at_best, GRADE_INCOMPLETE);
	CHECK(strstr(told, "\"grade\":null") && strstr(told, "\"live\":true"));
	(void)snprintf(name, sizeof name, "%s/manifest.jsonl", path);
	CHECK_EQ(unlink(name), 0);
	CHECK_EQ(rmdir(path), 0);
}

static void test_words_that_are_no_captures(void)
{
	CHECK_EQ(import_paths(&a, "/nonexistent/x.pcap", NULL), WEIR_ERR_ABSENT);
	CHECK(strstr(a.err.text, "/nonexistent/x.pcap") != NULL);
	put32(&file, 0x12345678);
	put64(&file, 0);
	CHECK_EQ(import_paths(&a, save(0), NULL), WEIR_ERR_FORMAT);
	CHECK_EQ(a.packets, 0);
}

int main(void)
{
	if (!mkdtemp(folder) || port_event_init(&stop, NULL) ||
	    port_event_init(&wake, NULL))
		return 1;
	RUN(test_pcap_of_us_becomes_ns);
	RUN(test_pcapng_keeps_interfaces_flags_and_drops);
	RUN(test_drops_beyond_json);
	RUN(test_twice_gives_the_same_bytes);
	RUN(test_interfaces_of_several_inputs);
	RUN(test_too_many_interfaces);
	RUN(test_damage_is_told_and_the_next_input_read);
	RUN(test_time_before_1970_is_refused);
	RUN(test_snaplen_and_count);
	RUN(test_stop_is_not_the_end);
	RUN(test_pipe);
	RUN(test_a_store_is_no_better_for_an_import);
	RUN(test_words_that_are_no_captures);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (paths[i][0])
			(void)unlink(paths[i]);
	CHECK_EQ(rmdir(folder), 0);
	return tap_done();
}
