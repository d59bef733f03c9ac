/* What is read of a program: this test itself is the program. */
#include "base/mem.h"
#include "plugins/program.h"

#include "lib/tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(1, bytes, length);

		if (n <= 0)
			exit(1);
		bytes += n;
		length -= (size_t)n;
	}
}

/* Lines of these lengths: the first of a, the second of b, ...; the last has no end. */
static int write_lines(char **lengths)
{
	for (size_t i = 0; lengths[i]; i++) {
		size_t n = (size_t)strtoul(lengths[i], NULL, 10);
		char *line = mem_new(n + 1, 1);

		if (!line)
			return 1;
		memset(line, (int)('a' + i), n);
		line[n] = '\n';
		put(line, n + (lengths[i + 1] != NULL));
		mem_free(line);
	}
	return 7;
}

static void check_next(struct program *p, char letter, size_t length)
{
	size_t got = 0;
	const char *line = program_line(p, &got);

	CHECK(line != NULL);
	CHECK_EQ(got, length);
	CHECK(line && line[0] == letter && (!length || line[length - 1] == letter));
}

static void test_long_lines_hide_nothing(void)
{
	static const char *const words[] = { "lines",  "5",  "262144", "262143",
					     "700000", "40", "262144", "6",
					     "0",      NULL };
	struct weir_error err;
	struct program p;
	size_t length;

	CHECK_EQ(program_start(&p, words, false, &err), 0);
	check_next(&p, 'a', 5);
	check_next(&p, 'c', PROGRAM_LINE - 1);
	check_next(&p, 'e', 40);
	check_next(&p, 'g', 6);
	CHECK(program_line(&p, &length) == NULL);
	CHECK_EQ(p.long_lines, 3);
	CHECK_EQ(program_wait(&p), 7);
	program_fini(&p);
}

static void test_end_within_a_long_line(void)
{
	static const char *const words[] = { "lines", "3", "300000", NULL };
	struct weir_error err;
	struct program p;
	size_t length;

	CHECK_EQ(program_start(&p, words, false, &err), 0);
	check_next(&p, 'a', 3);
	CHECK(program_line(&p, &length) == NULL);
	CHECK_EQ(p.long_lines, 1);
	CHECK_EQ(program_wait(&p), 7);
	program_fini(&p);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "lines"))
		return write_lines(argv + 2);
	RUN(test_long_lines_hide_nothing);
	RUN(test_end_within_a_long_line);
	return tap_done();
}
