/* UTF-16 to UTF-8 and back, surrogates without a partner included. */
#include "base/utf16.h"
#include "lib/tap.h"
#include "weir/error.h"

#include <string.h>

static void test_every_unit_comes_back(void)
{
	for (unsigned u = 0; u < 0x10000; u++) {
		uint8_t bytes[2] = { (uint8_t)u, (uint8_t)(u >> 8) };
		uint16_t back[2] = { 0 };
		char text[4];
		int64_t n = utf16_to_text(bytes, 1, text, sizeof text);

		if (n < 1 || n > 3 || utf16_of_text(text, (size_t)n, back, 2) != 1 ||
		    back[0] != u) {
			CHECK_EQ(u, 0xfffff);
			return;
		}
	}
	CHECK(true);
}

static void test_pairs(void)
{
	static const uint8_t pair[] = { 0x3d, 0xd8, 0x00, 0xde };
	uint16_t back[2];
	char text[8];

	CHECK_EQ(utf16_to_text(pair, 2, text, sizeof text), 4);
	CHECK(!memcmp(text, "\xf0\x9f\x98\x80", 4));
	CHECK_EQ(utf16_of_text(text, 4, back, 2), 2);
	CHECK_EQ(back[0], 0xd83d);
	CHECK_EQ(back[1], 0xde00);
	CHECK_EQ(utf16_of_text(text, 4, back, 1), WEIR_ERR_LIMIT);
	CHECK_EQ(utf16_to_text(pair, 2, text, 3), WEIR_ERR_LIMIT);
}

static void test_bytes_that_are_no_text(void)
{
	static const char *const bad[] = { "\x80",         "\xc0\x80",         "\xc1\xbf",
					   "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xe2\x82",
					   "\xff",         "\xf0\x80\x80\x80" };
	uint16_t units[8];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_EQ(utf16_of_text(bad[i], strlen(bad[i]), units, 8),
			 WEIR_ERR_FORMAT);
	CHECK_EQ(utf16_of_text("", 0, units, 8), 0);
}

int main(void)
{
	RUN(test_every_unit_comes_back);
	RUN(test_pairs);
	RUN(test_bytes_that_are_no_text);
	return tap_done();
}
