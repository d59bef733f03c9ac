/* A sort whose temporary file cannot be written for a while. */
#include "analyze/sorter.h"
#include "lib/tap.h"

#include <signal.h>
#include <sys/resource.h>

/* A disk that was full for a while: what could not be written is written when there is room. */
static void test_full_for_a_while(void)
{
	struct rlimit before, little = { 100 << 10, 100 << 10 };
	struct sorter *s = sorter_new(1 << 20);
	struct file_time last = { INT64_MIN, 0 };
	unsigned taken = 0, refused = 0, n = 0;
	struct sorter_at at;
	struct weir_error err;
	const void *bytes;
	size_t length;

	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK(!getrlimit(RLIMIT_FSIZE, &before));
	little.rlim_max = before.rlim_max;
	CHECK(!setrlimit(RLIMIT_FSIZE, &little));
	for (unsigned i = 0; i < 60000; i++) {
		char text[200] = { 0 };

		if (refused == 3)
			CHECK(!setrlimit(RLIMIT_FSIZE, &before));
		at = (struct sorter_at){ .time.s = (int64_t)(i * UINT64_C(2654435761) %
							     60000) };
		(void)snprintf(text, sizeof text, "%lld", (long long)at.time.s);
		if (sorter_add_rows(s, &at, 1, text, sizeof text, &err))
			refused++;
		else
			taken++;
	}
	CHECK_EQ(refused, 3);
	CHECK(!sorter_finish(s, &err));
	while (sorter_next_row(s, &at, &bytes, &length, &err) == 1) {
		CHECK(when_compare(last, at.time) <= 0);
		CHECK_EQ(length, 200);
		CHECK_EQ(strtoll(bytes, NULL, 10), at.time.s);
		last = at.time;
		n++;
	}
	CHECK_EQ(n, taken);
	CHECK(sorter_runs(s) > 1);
	sorter_free(s);
}

int main(void)
{
	RUN(test_full_for_a_while);
	return tap_done();
}
