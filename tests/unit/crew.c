/* Threads by the processors that there are: what is chosen, and that each choice has its reason. */
#include "capture/crew.h"
#include "lib/tap.h"

#include <string.h>

static struct crew of(unsigned processors)
{
	struct crew c;

	crew_choose(&c, processors);
	CHECK_EQ(c.processors, processors);
	CHECK(c.sniff && c.divert && c.waiting && c.hashing);
	return c;
}

static void test_few_processors_share_a_thread(void)
{
	for (unsigned n = 1; n <= CREW_SHARED; n++) {
		struct crew c = of(n);

		CHECK(c.is_one_thread);
		CHECK(!strncmp(c.sniff, "one thread captures and writes", 30));
		CHECK(strstr(c.hashing, "the same thread") != NULL);
	}
}

static void test_many_processors_have_a_writer(void)
{
	static const unsigned many[] = { 3, 4, 16, 1024 };

	for (unsigned i = 0; i < sizeof many / sizeof many[0]; i++) {
		struct crew c = of(many[i]);

		CHECK(!c.is_one_thread);
		CHECK(strstr(c.sniff, "one writes") != NULL);
		CHECK(strstr(c.hashing, "the thread that writes") != NULL);
	}
}

/* Where the processors cannot be counted, as few as can be are taken for granted. */
static void test_unknown_is_few(void)
{
	CHECK(of(0).is_one_thread);
}

int main(void)
{
	RUN(test_few_processors_share_a_thread);
	RUN(test_many_processors_have_a_writer);
	RUN(test_unknown_is_few);
	return tap_done();
}
