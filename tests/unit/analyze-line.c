/* Lines of text: numbers, times, and that nothing of the evidence leaves as a control byte. */
#include "analyze/line.h"

#include "base/time.h"
#include "lib/tap.h"

static char room[512];
static struct line l;

static const char *done(void)
{
	room[line_length(&l)] = '\0';
	return room;
}

static void begin(void)
{
	line_init(&l, room, sizeof room - 1);
}

static void test_numbers(void)
{
	begin();
	line_unsigned(&l, 0);
	line_char(&l, ' ');
	line_unsigned(&l, UINT64_MAX);
	line_char(&l, ' ');
	line_signed(&l, INT64_MIN);
	line_char(&l, ' ');
	line_signed(&l, 42);
	CHECK_STR(done(), "0 18446744073709551615 -9223372036854775808 42");
}

static void test_times(void)
{
	static const int64_t times[] = {
		0,         1,           999999999,           1000000000,
		-1,        -1000000000, 1763853215123456789, 1763853215123456790,
		INT64_MAX, INT64_MIN
	};
	struct line_clock clock = { .length = 0 };
	char want[TIME_TEXT];

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		begin();
		line_time(&l, &clock, times[i]);
		time_format(times[i], want);
		CHECK_STR(done(), want);
	}
}

#define PUT(put, bytes) (begin(), put(&l, bytes, sizeof(bytes) - 1), done())

static void test_printable(void)
{
	CHECK_STR(PUT(line_printable, "eth0"), "eth0");
	CHECK_STR(PUT(line_printable, "a\x1b[31mb\n\0c\x7f"),
		  "a\\x1b[31mb\\x0a\\x00c\\x7f");
	/* What turns the direction of writing, and what nobody sees. */
	CHECK_STR(PUT(line_printable, "\xe2\x80\xaegpj.exe\xe2\x80\x8b"),
		  "\\xe2\\x80\\xaegpj.exe\\xe2\\x80\\x8b");
	CHECK_STR(PUT(line_printable, "C:\\net"), "C:\\\\net");
	CHECK_STR(PUT(line_printable, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f"),
		  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f");
	/* C1, as a character and as a byte; overlong; surrogate; beyond the last; cut off. */
	CHECK_STR(PUT(line_printable, "\xc2\x9b\x9b"), "\\xc2\\x9b\\x9b");
	CHECK_STR(PUT(line_printable, "\xc0\xaf\xe0\x80\xaf"),
		  "\\xc0\\xaf\\xe0\\x80\\xaf");
	CHECK_STR(PUT(line_printable, "\xed\xa0\x80"), "\\xed\\xa0\\x80");
	CHECK_STR(PUT(line_printable, "\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	CHECK_STR(PUT(line_printable, "\xe2\x82"), "\\xe2\\x82");
}

static void test_json(void)
{
	CHECK_STR(PUT(line_json, "a\"b\\c"), "\"a\\\"b\\\\c\"");
	CHECK_STR(PUT(line_json, "\n\x1b"), "\"\\u000a\\u001b\"");
	CHECK_STR(PUT(line_json, "\xff"), "\"\\\\xff\"");
	CHECK_STR(PUT(line_json, ""), "\"\"");
}

static void test_csv(void)
{
	CHECK_STR(PUT(line_csv, "plain"), "plain");
	CHECK_STR(PUT(line_csv, "a,b"), "\"a,b\"");
	CHECK_STR(PUT(line_csv, "say \"x\""), "\"say \"\"x\"\"\"");
	CHECK_STR(PUT(line_csv, "a\r\nb"), "a\\x0d\\x0ab");
}

static void test_bound(void)
{
	for (size_t size = 0; size < 12; size++) {
		memset(room, '#', sizeof room);
		line_init(&l, room, size);
		line_text(&l, "abc");
		line_unsigned(&l, 123456);
		line_json(&l, "\x01", 1);
		CHECK_EQ(line_length(&l), size);
		CHECK(l.is_cut);
		CHECK_EQ(room[size], '#');
	}
}

int main(void)
{
	RUN(test_numbers);
	RUN(test_times);
	RUN(test_printable);
	RUN(test_json);
	RUN(test_csv);
	RUN(test_bound);
	return tap_done();
}
