/* Random texts compile or fail with a place, and random filters mean what the naive model says.
 * filter-random [COUNT]: the number of texts; the ordinary run is short. */
#include "base/mem.h"
#include "filter/set.h"
#include "lib/filter_model.h"
#include "lib/filter_random.h"
#include "lib/tap.h"

#define ORDINARY 50000

static unsigned long texts = ORDINARY;

/* Words and signs of the language and some that are not, put one after the other. */
static void random_soup(struct dice *d, char *text, size_t size)
{
	static const char *const pieces[] = {
		"(",        ")",
		"?",        ": ",
		"[",        "]",
		"-",        "!",
		"not ",     " and ",
		" or ",     "&&",
		"||",       "=",
		"!=",       "<=",
		">",        "in",
		"{",        "}",
		",",        "..",
		"/8",       "\"eth0\"",
		"b",        " ",
		"0x",       "0",
		"10.0.0.0", "fe80::1",
		"::",       "80",
		"65535",    "1:2:3:4:5:6:7:8",
		"#",        "\n",
		"TRUE",     "CLOSE",
		"\xff",     "\"",
		"@WinDiv_", "340282366920938463463374607431768211456",
	};
	struct filter_field f;
	size_t n = 0, count = 1 + roll(d, 24);

	text[0] = '\0';
	while (count-- && n + 60 < size) {
		if (roll(d, 3)) {
			n += (size_t)snprintf(
				text + n, size - n, "%s ",
				pieces[roll(d, sizeof pieces / sizeof pieces[0])]);
			continue;
		}
		(void)filter_field_at(roll(d, 93), &f);
		n += (size_t)snprintf(text + n, size - n, "%s ", f.name);
	}
}

/* A filter that was right, with a few bytes changed. */
static void mutate(struct dice *d, char *text)
{
	size_t n = strlen(text);

	for (unsigned k = roll(d, 4); n && k; k--)
		text[roll(d, (uint32_t)n)] = (char)(1 + roll(d, 255));
}

static bool has_place(const char *text, enum filter_layer layer, unsigned flags)
{
	struct filter_error bad;
	struct filter *f;

	if (!filter_compile(&f, text, layer, flags, &bad)) {
		filter_free(f);
		return true;
	}
	return bad.code == WEIR_ERR_USAGE && bad.found[0] && bad.at <= strlen(text) &&
	       bad.windivert_text;
}

static void test_any_text(void)
{
	struct dice d = { .state = 4711 };
	unsigned long wrong = 0;
	char text[3000];

	for (unsigned long i = 0; i < texts; i++) {
		enum filter_layer layer = (enum filter_layer)roll(&d, FILTER_LAYERS);

		if (roll(&d, 2))
			random_soup(&d, text, sizeof text);
		else
			(void)random_filter(&d, text, sizeof text, layer, 3);
		mutate(&d, text);
		if (!has_place(text, layer, roll(&d, 4)) && wrong++ < 5)
			printf("# no place: %s\n", text);
	}
	printf("# %lu texts\n", texts);
	CHECK_EQ(wrong, 0);
}

static void compare(const struct filter *f, const char *text, struct dice *d,
		    unsigned *wrong, unsigned *matches)
{
	struct filter_input in = { .packet = NULL };
	uint8_t packet[512];
	size_t n = random_packet(d, packet);
	int got, want;

	filter_input_packet(&in, packet, n);
	in.address.is_outbound = roll(d, 2);
	in.address.is_loopback = roll(d, 2);
	in.address.if_idx = roll(d, 8);
	in.address.timestamp = (int64_t)roll(d, 300) - 100;
	got = filter_match(f, &in);
	want = model_match(text, &in);
	*matches += want > 0;
	if ((got < 0 ? -1 : got) != want && (*wrong)++ < 5) {
		printf("# evaluator %d, model %d: %s\n# ", got, want, text);
		for (size_t i = 0; i < n; i++)
			printf("%02x", packet[i]);
		printf("\n");
	}
}

static void test_model_agrees(void)
{
	struct dice d = { .state = 815 };
	unsigned wrong = 0, matches = 0, pairs = 0;
	char text[3000];

	for (unsigned long i = 0; i < texts / 10; i++) {
		struct filter *f;

		(void)random_filter(&d, text, sizeof text, FILTER_NETWORK, 4);
		if (strstr(text, "random") ||
		    filter_compile(&f, text, FILTER_NETWORK, FILTER_WINDIVERT, NULL))
			continue;
		for (int k = 0; k < 20; k++, pairs++)
			compare(f, text, &d, &wrong, &matches);
		filter_free(f);
	}
	printf("# %u pairs, %u match\n", pairs, matches);
	CHECK_EQ(wrong, 0);
	CHECK(pairs > texts / 2);
	CHECK(matches > pairs / 20);
}

/* Sets of small keys against arrays of booleans. */
static void test_sets(void)
{
	struct dice d = { .state = 42 };

	for (int round = 0; round < 2000; round++) {
		bool want[2][64] = { { false } }, is_ok = true;
		struct set sets[2], joint, both;
		struct pool pool;

		pool_init(&pool);
		for (int s = 0; s < 2; s++) {
			struct range *r = pool_new(&pool, 6, sizeof *r);
			size_t count = roll(&d, 7);

			for (size_t i = 0; i < count; i++) {
				uint32_t low = roll(&d, 64), more = roll(&d, 9);

				r[i].low = low;
				r[i].high = low + more > 63 ? 63 : low + more;
				for (u128 k = low; k <= r[i].high; k++)
					want[s][(size_t)k] = true;
			}
			sets[s] = set_of(r, count);
		}
		CHECK(set_union(&joint, &pool, sets, 2));
		CHECK(set_intersection(&both, &pool, sets, 2, 0, 63));
		for (size_t k = 0; k < 64; k++)
			is_ok = is_ok &&
				set_has(&joint, k) == (want[0][k] || want[1][k]) &&
				set_has(&both, k) == (want[0][k] && want[1][k]);
		CHECK(is_ok);
		CHECK(set_is_within(&both, &joint));
		CHECK_EQ(set_meets(&sets[0], &sets[1]), both.count != 0);
		CHECK(set_complement(&joint, &pool, 0, 63));
		CHECK(!set_meets(&joint, &sets[0]));
		pool_fini(&pool);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1)
		texts = strtoul(argv[1], NULL, 10);
	RUN(test_any_text);
	RUN(test_model_agrees);
	RUN(test_sets);
	return tap_done();
}
