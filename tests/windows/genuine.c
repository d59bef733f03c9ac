/* What our filter language is held to: the genuine WinDivert.dll itself, under wine.
 *
 * genuine FOLDER <CASES: the folder has WinDivert.dll; the cases are lines of cases.py.  Every case has
 * the verdict, message, position, object and normal text that it claims; what we call WinDivert's
 * compiles there, what we refuse is refused with the same words; what filter_windivert() writes is
 * taken, and judges every packet as the filter does. */
#include "filter_compare.h"

#include "lib/filter.h"
#include "lib/tap.h"

#define LINE_BYTES 65536
#define TOLD_MAX   8

int weir_main(int argc, char **argv);

static struct windivert w;

struct counts {
	unsigned compiled, refused, judged, wrong;
};

static struct counts counted;
static char *rest; /* of the line at hand */

static void wrong(const char *id, const char *what, const char *text)
{
	if (counted.wrong++ < TOLD_MAX)
		printf("# case %s: %s: %s\n", id, what, text);
}

/* The next word of the line, ended by NUL; NULL at the end. */
static char *next_word(void)
{
	char *word = rest + strspn(rest, " \r\n");
	size_t n = strcspn(word, " \r\n");

	rest = word + n + (word[n] != '\0');
	word[n] = '\0';
	return n ? word : NULL;
}

/* The next word of the line as text from hex; "-" is the empty one. */
static size_t next_hex(char *bytes, size_t size)
{
	const char *word = next_word();
	size_t n = word ? hex_bytes(word, (uint8_t *)bytes, size - 1) : 0;

	bytes[n] = '\0';
	return n;
}

static void judge_compile(const char *id, int layer, const char *text)
{
	static char object[WD_OBJECT_BYTES], wanted[LINE_BYTES], said[LINE_BYTES];
	const char *message = "", *is_ok = next_word();
	unsigned at = 0;
	bool ok = w.compile(text, layer, object, sizeof object, &message, &at);

	next_hex(wanted, sizeof wanted);
	if (is_ok && !strcmp(is_ok, "no")) {
		const char *position = next_word();

		counted.refused++;
		if (ok || strcmp(message, wanted))
			wrong(id, ok ? "compiled" : message, text);
		else if (at != (unsigned)strtoul(position ? position : "", NULL, 10))
			wrong(id, "is refused at another place", text);
		return;
	}
	counted.compiled++;
	if (!ok || strcmp(object, wanted))
		wrong(id, ok ? "another object" : message, text);
	next_hex(wanted, sizeof wanted);
	if (!w.format(text, layer, said, sizeof said) || strcmp(said, wanted))
		wrong(id, "another normal text", said);
}

static void judge_eval(const char *id, const char *text)
{
	static char packet[LINE_BYTES], address[WD_ADDRESS_BYTES + 1];
	size_t n = next_hex(packet, sizeof packet);
	struct wd_address a;
	const char *want;
	bool is_match;

	if (next_hex(address, sizeof address) != WD_ADDRESS_BYTES) {
		wrong(id, "no address", text);
		return;
	}
	want = next_word();
	memcpy(&a, address, sizeof a);
	SetLastError(0);
	is_match = w.eval(text, n ? packet : NULL, (unsigned)n, &a);
	counted.judged++;
	if (!want || is_match != !strcmp(want, "true"))
		wrong(id, "another verdict", text);
	else if (!is_match &&
		 (GetLastError() == ERROR_INVALID_PARAMETER) != !strcmp(want, "error"))
		wrong(id, "an error or none", text);
}

static void test_cases(void)
{
	static char line[LINE_BYTES * 4], text[LINE_BYTES];

	while (fgets(line, sizeof line, stdin)) {
		const char *kind, *id, *layer;

		rest = line;
		kind = next_word();
		id = next_word();
		layer = next_word();
		if (!kind || !id || !layer)
			break;
		next_hex(text, sizeof text);
		if (!strcmp(kind, "eval"))
			judge_eval(id, text);
		else
			judge_compile(id, (int)strtol(layer, NULL, 10), text);
	}
	printf("# %u compile, %u are refused, %u are judged\n", counted.compiled,
	       counted.refused, counted.judged);
	CHECK(counted.compiled >= 40);
	CHECK(counted.refused >= 50);
	CHECK_EQ(counted.judged, 400);
	CHECK_EQ(counted.wrong, 0);
}

/* Each member of an address is where WinDivert's own evaluator looks for it. */
static void test_layout(void)
{
	struct dice d = { .state = 80 };
	unsigned wrong_count = 0;

	for (int i = 0; i < 1500; i++) {
		enum filter_layer layer = (enum filter_layer)roll(&d, FILTER_LAYERS);
		struct filter_input in;
		uint8_t packet[512];
		char text[400];

		random_sound_input(&d, &in, packet, layer);
		text_of_address(&d, &in.address, layer, text, sizeof text);
		if (judge(&w, text, layer, &in) != 1 && wrong_count++ < TOLD_MAX)
			printf("# layer %d: %s\n", (int)layer, text);
	}
	CHECK_EQ(wrong_count, 0);
}

/* The checksum flags are set by the library that computes them. */
static void test_checksum_flags(void)
{
	uint8_t packet[40] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17, 0,  0, 10, 0, 0,
			       5,    8, 8, 8,  8, 4, 1, 0, 53, 0,  20, 0, 0,  7 };
	struct wd_address a = { .word = 0xdf1f0000 };

	CHECK(w.checksums(packet, sizeof packet, &a, 0));
	CHECK_EQ(a.word, 0xdf1f0000u | WD_IP_CHECKSUM | WD_UDP_CHECKSUM);
	packet[9] = 6;
	packet[32] = 0x50;
	a.word = 0;
	CHECK(w.checksums(packet, sizeof packet, &a, 0));
	CHECK_EQ(a.word, WD_IP_CHECKSUM | WD_TCP_CHECKSUM);
	packet[6] = 0x20; /* a fragment: its transport cannot be summed */
	a.word = 0;
	CHECK(!w.checksums(packet, sizeof packet, &a, 0));
	CHECK_EQ(a.word, WD_IP_CHECKSUM);
}

/* The same texts are filters, and the others are refused in the same words. */
static void test_language(void)
{
	struct dice d = { .state = 20261130 };
	unsigned taken = 0, refused = 0, wrong_count = 0;
	static char object[WD_OBJECT_BYTES];
	char text[3000];

	for (int i = 0; i < 15000; i++) {
		enum filter_layer layer = (enum filter_layer)roll(&d, FILTER_LAYERS);
		const char *message = "";
		struct filter_error bad;
		struct filter *f;
		unsigned at = 0;
		bool ok, is_ours;

		random_text(&d, text, sizeof text, layer);
		is_ours = !filter_compile(&f, text, layer, FILTER_WINDIVERT, &bad);
		filter_free(f);
		/* What begins a condition that fails may crash WinDivert. */
		if (!is_ours && strchr(text, '?'))
			continue;
		ok = w.compile(text, layer, object, sizeof object, &message, &at);
		taken += ok;
		refused += !ok;
		if (ok == is_ours && (ok || (!strcmp(message, bad.windivert_text) &&
					     at == bad.windivert_at)))
			continue;
		if (wrong_count++ < TOLD_MAX)
			printf("# layer %d: %s at %u, but ours %s at %u: %s\n",
			       (int)layer, ok ? "taken" : message, at,
			       is_ours ? "takes it" : bad.windivert_text,
			       is_ours ? 0 : (unsigned)bad.windivert_at, text);
	}
	printf("# %u are filters, %u are not\n", taken, refused);
	CHECK(taken > 2000);
	CHECK(refused > 2000);
	CHECK_EQ(wrong_count, 0);
}

/* What `weir filter check --strict` calls WinDivert's compiles there. */
static void test_strict(void)
{
	struct dice d = { .state = 1130 };
	unsigned plain = 0, ours = 0, wrong_count = 0;
	static char object[WD_OBJECT_BYTES];
	static struct filter_note notes[64];
	char text[4000];

	for (int i = 0; i < 6000; i++) {
		struct filter *f;

		(void)random_extended_filter(&d, text, sizeof text, roll(&d, 4));
		if (filter_compile(&f, text, FILTER_NETWORK, 0, NULL))
			continue;
		if (filter_extensions(f, notes, 64)) {
			ours++;
		} else {
			plain++;
			if (!w.compile(text, FILTER_NETWORK, object, sizeof object, NULL,
				       NULL) &&
			    wrong_count++ < TOLD_MAX)
				printf("# called WinDivert's: %s\n", text);
		}
		filter_free(f);
	}
	printf("# %u are WinDivert's, %u have more\n", plain, ours);
	CHECK(plain > 200);
	CHECK(ours > 1000);
	CHECK_EQ(wrong_count, 0);
}

static void check_agreement(const struct agreement *a, unsigned filters)
{
	printf("# %u filters, %u exact, %u judged, %u matches\n", a->filters, a->exact,
	       a->judged, a->matches);
	CHECK(a->filters > filters);
	CHECK(a->exact > filters / 4);
	CHECK(a->matches > filters);
	CHECK_EQ(a->refused, 0);
	CHECK_EQ(a->missed, 0);
	CHECK_EQ(a->extra, 0);
}

/* What a filter with weir's own words becomes for WinDivert. */
static void test_written(void)
{
	struct dice d = { .state = 1 };
	struct agreement a = { 0 };
	char text[4000];

	for (int i = 0; i < 1500; i++) {
		(void)random_extended_filter(&d, text, sizeof text, 1 + roll(&d, 4));
		agree(&w, text, FILTER_NETWORK, &d, &a);
	}
	check_agreement(&a, 1200);
}

static void test_written_records(void)
{
	struct dice d = { .state = 2 };
	struct agreement a = { 0 };
	char text[3000];

	for (int i = 0; i < 1200; i++) {
		enum filter_layer layer = (enum filter_layer)(1 + roll(&d, 4));
		bool is_not = roll(&d, 2);
		size_t n = is_not ? (size_t)snprintf(text, 8, "not (") : 0;

		n += random_filter(&d, text + n, sizeof text - 10, layer, 3);
		(void)snprintf(text + n, sizeof text - n, is_not ? ")" : "");
		agree(&w, text, layer, &d, &a);
	}
	check_agreement(&a, 300);
}

/* Our evaluator and WinDivert's, on the same text. */
static void test_verdicts(void)
{
	struct dice d = { .state = 3 };
	unsigned judged = 0, matches = 0, errors = 0, wrong_count = 0;
	static char object[WD_OBJECT_BYTES];
	char text[3000];

	for (int i = 0; i < 2500; i++) {
		enum filter_layer layer = (enum filter_layer)roll(&d, FILTER_LAYERS);
		struct filter *f;

		(void)random_filter(&d, text, sizeof text, layer, 4);
		if (filter_compile(&f, text, layer, FILTER_WINDIVERT, NULL) ||
		    !w.compile(text, layer, object, sizeof object, NULL, NULL))
			continue;
		for (int k = 0; k < 20; k++, judged++) {
			struct filter_input in;
			uint8_t packet[512];
			int ours, theirs;

			random_any_input(&d, &in, packet, layer);
			ours = filter_match(f, &in);
			theirs = judge(&w, object, layer, &in);
			matches += theirs > 0;
			errors += theirs < 0;
			if ((ours < 0 ? -1 : ours) == theirs || wrong_count++ >= TOLD_MAX)
				continue;
			printf("# layer %d, %d but ours %d: %s\n", (int)layer, theirs,
			       ours, text);
		}
		filter_free(f);
	}
	printf("# %u judged, %u match, %u cannot be judged\n", judged, matches, errors);
	CHECK(judged > 30000);
	CHECK(matches > judged / 20);
	CHECK(errors > 300);
	CHECK_EQ(wrong_count, 0);
}

int weir_main(int argc, char **argv)
{
	if (argc != 2 || !windivert_load(&w, argv[1])) {
		printf("# no WinDivert.dll in '%s': error %lu\nnot ok 1 - it loads\n1..1\n",
		       argc == 2 ? argv[1] : "", (unsigned long)GetLastError());
		return 1;
	}
	RUN(test_cases);
	RUN(test_layout);
	RUN(test_checksum_flags);
	RUN(test_language);
	RUN(test_strict);
	RUN(test_verdicts);
	RUN(test_written);
	RUN(test_written_records);
	return tap_done();
}
