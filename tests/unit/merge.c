/* Merging: time order over sources, order of the sources at equal times, the table of interfaces,
 * and what happens when a source is damaged. */
#include "weir/reader.h"

#include "lib/build.h"
#include "lib/folder.h"
#include "lib/tap.h"
#include "store/iface.h"

#define SECOND UINT64_C(1000000000)

/* A pcap file of nanoseconds whose packets have these seconds and captured lengths. */
static void write_pcap(const char *name, const unsigned *seconds, size_t count,
		       uint32_t caplen)
{
	static struct build b;

	b = (struct build){ .is_big = false };
	pcap_header(&b, 0xa1b23c4d, 65535, 1);
	for (size_t i = 0; i < count; i++)
		pcap_record(&b, seconds[i], 5, caplen, 100);
	folder_write(name, b.bytes, b.length);
}

#define WRITE(name, caplen, ...)                          \
 do {                                                     \
  const unsigned s_[] = { __VA_ARGS__ };                  \
  write_pcap(name, s_, sizeof s_ / sizeof s_[0], caplen); \
 } while (0)

static struct merge *open_two(const char *a, const char *b)
{
	static const char *paths[2];
	struct merge *m = NULL;
	struct weir_error err;

	paths[0] = folder_path(a);
	paths[1] = folder_path(b);
	CHECK_EQ(merge_open(&m, paths, 2, &err), 0);
	return m;
}

static void test_order(void)
{
	static const unsigned seconds[] = { 1, 2, 2, 3, 5, 5, 8, 9 };
	/* Equal times: the first source first. The captured length tells the source. */
	static const unsigned caplens[] = { 10, 20, 20, 10, 10, 20, 20, 10 };
	struct packet p;
	struct merge *m;

	WRITE("a", 10, 1, 3, 5, 9);
	WRITE("b", 20, 2, 2, 5, 8);
	m = open_two("a", "b");
	for (size_t i = 0; i < 8; i++) {
		CHECK_EQ(merge_next(m, &p, NULL), 1);
		CHECK_EQ(p.ns, (int64_t)(seconds[i] * SECOND + 5));
		CHECK_EQ(p.caplen, caplens[i]);
		CHECK_EQ(merge_iface_source(m, p.iface), caplens[i] == 20);
		CHECK(!memcmp(p.data, "\0\1\2\3\4\5\6\7\10\11", 10));
	}
	CHECK_EQ(merge_next(m, &p, NULL), 0);
	CHECK_EQ(merge_next(m, &p, NULL), 0);
	CHECK_EQ(merge_source_count(m), 2);
	CHECK_STR(merge_source_path(m, 1), folder_path("b"));
	merge_free(m);
}

/* A file that is not in order comes out in its own order; none of its packets is lost. */
static void test_unsorted_source(void)
{
	static const unsigned seconds[] = { 4, 5, 1, 9 };
	struct packet p;
	struct merge *m;

	WRITE("a", 10, 5, 1, 9);
	WRITE("b", 20, 4);
	m = open_two("a", "b");
	for (size_t i = 0; i < 4; i++) {
		CHECK_EQ(merge_next(m, &p, NULL), 1);
		CHECK_EQ(p.ns / (int64_t)SECOND, seconds[i]);
	}
	CHECK_EQ(merge_next(m, &p, NULL), 0);
	merge_free(m);
}

/* Twenty sources, packets dealt out at random: the result is sorted and complete. */
static void test_many_sources(void)
{
	static char names[20][8];
	static char paths_text[20][400];
	const char *paths[20];
	struct merge *m = NULL;
	struct packet p;
	uint32_t state = 7;
	unsigned expected = 0, got = 0;
	int64_t last = 0;

	for (unsigned i = 0; i < 20; i++) {
		unsigned seconds[50], count, at = 0;

		state = state * 1664525 + 1013904223;
		count = state >> 16 & 31;
		for (unsigned k = 0; k < count; k++) {
			state = state * 1664525 + 1013904223;
			seconds[k] = at += state >> 16 & 7;
		}
		(void)snprintf(names[i], sizeof names[i], "m%u", i);
		write_pcap(names[i], seconds, count, i);
		(void)snprintf(paths_text[i], sizeof paths_text[i], "%s",
			       folder_path(names[i]));
		paths[i] = paths_text[i];
		expected += count;
	}
	CHECK_EQ(merge_open(&m, paths, 20, NULL), 0);
	while (merge_next(m, &p, NULL) > 0) {
		CHECK(p.ns >= last);
		last = p.ns;
		CHECK_EQ(p.caplen, merge_iface_source(m, p.iface));
		got++;
	}
	CHECK_EQ(got, expected);
	CHECK(expected > 100);
	merge_free(m);
}

/* A pcapng file with the same interface twice, one in each section, and another name. */
static void write_pcapng(const char *name, const char *iface)
{
	static struct build b;

	b = (struct build){ .is_big = true };
	for (unsigned i = 0; i < 3; i++) {
		ng_section(&b);
		ng_iface_begin(&b, 1, 0);
		ng_option(&b, 2, i == 2 ? "other" : iface,
			  (uint16_t)strlen(i == 2 ? "other" : iface));
		ng_option_n(&b, 9, 9, 1);
		ng_end(&b);
		ng_packet(&b, 0, (i + 1) * SECOND, 8);
	}
	folder_write(name, b.bytes, b.length);
}

static void test_interfaces(void)
{
	struct packet p;
	struct merge *m;

	write_pcapng("a", "eth0");
	write_pcapng("b", "eth0");
	m = open_two("a", "b");
	for (unsigned i = 0; i < 6; i++) {
		CHECK_EQ(merge_next(m, &p, NULL), 1);
		CHECK_STR(merge_iface(m, p.iface)->name, i < 4 ? "eth0" : "other");
		CHECK_EQ(merge_iface_source(m, p.iface), i % 2);
	}
	CHECK_EQ(merge_next(m, &p, NULL), 0);
	/* One eth0 and one other of each source: never shared between sources. */
	CHECK_EQ(merge_iface_count(m), 4);
	merge_free(m);
}

/* The damaged source ends where it is damaged, the other one goes on, and then it is told. */
static void test_damage_is_told_at_the_end(void)
{
	static struct build b;
	struct weir_error err = { .code = WEIR_OK };
	struct packet p;
	struct merge *m;

	pcap_header(&b, 0xa1b23c4d, 65535, 1);
	pcap_record(&b, 1, 0, 10, 10);
	pcap_record(&b, 2, 0, 10, 10);
	folder_write("a", b.bytes, b.length - 5);
	WRITE("b", 20, 3, 4);
	m = open_two("a", "b");
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(merge_next(m, &p, &err), 1);
	CHECK_EQ(p.ns / (int64_t)SECOND, 4);
	CHECK(merge_next(m, &p, &err) < 0);
	CHECK_EQ(err.code, WEIR_ERR_FORMAT);
	CHECK(strstr(err.text, folder_path("a")) != NULL);
	CHECK(merge_next(m, &p, &err) < 0);
	merge_free(m);
}

static void test_open_fails_whole(void)
{
	const char *paths[2];
	struct weir_error err = { .code = WEIR_OK };
	struct merge *m = NULL;

	WRITE("a", 10, 1);
	paths[0] = folder_path("a");
	paths[1] = folder_path("nothing");
	CHECK_EQ(merge_open(&m, paths, 2, &err), WEIR_ERR_ABSENT);
	CHECK(!m);
	CHECK(strstr(err.text, "nothing") != NULL);
	folder_write("junk", "junk junk", 9);
	paths[1] = folder_path("junk");
	CHECK_EQ(merge_open(&m, paths, 2, &err), WEIR_ERR_FORMAT);
	merge_free(NULL);
}

static void test_empty_sources(void)
{
	struct packet p;
	struct merge *m;

	write_pcap("a", NULL, 0, 10);
	WRITE("b", 20, 7);
	m = open_two("a", "b");
	CHECK_EQ(merge_next(m, &p, NULL), 1);
	CHECK_EQ(p.caplen, 20);
	CHECK_EQ(merge_next(m, &p, NULL), 0);
	merge_free(m);
}

int main(void)
{
	folder_make();
	RUN(test_order);
	RUN(test_unsorted_source);
	RUN(test_many_sources);
	RUN(test_interfaces);
	RUN(test_damage_is_told_at_the_end);
	RUN(test_open_fails_whole);
	RUN(test_empty_sources);
	folder_remove();
	return tap_done();
}
