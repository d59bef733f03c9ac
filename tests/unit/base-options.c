#include "cli/options.h"
#include "lib/tap.h"

struct values {
	bool is_loud, help;
	const char *name;
	struct option_list list;
	uint64_t size, count;
	int64_t wait, level;
};

static int parse(struct values *v, char **argv, int *argc, struct weir_error *err)
{
	const struct option table[] = {
		{ "loud", 'l', OPTION_FLAG, &v->is_loud, NULL, "", 0, 0 },
		{ "name", 'n', OPTION_STRING, &v->name, "NAME", "", 0, 0 },
		{ "item", 'i', OPTION_LIST, &v->list, "X", "", 0, 0 },
		{ "size", 0, OPTION_SIZE, &v->size, "SIZE", "", 0, 0 },
		{ "wait", 0, OPTION_DURATION, &v->wait, "TIME", "", 0, 0 },
		{ "count", 'c', OPTION_UINT, &v->count, "N", "", 1, 10 },
		{ "level", 0, OPTION_INT, &v->level, "N", "", -5, 5 },
		OPTION_HELP(&v->help),
		OPTION_END,
	};

	memset(v, 0, sizeof *v);
	for (*argc = 0; argv[*argc]; ++*argc)
		continue;
	return options_parse(table, argc, argv, err);
}

static void test_forms(void)
{
	char *argv[] = { "x",         "one",        "-lc", "3",      "--name=n",
			 "--item",    "a",          "-ib", "--size", "2k",
			 "--wait=1s", "--level=-5", "--",  "-two",   NULL };
	struct values v;
	int argc;

	CHECK_EQ(parse(&v, argv, &argc, NULL), 0);
	CHECK_EQ(argc, 3);
	CHECK_STR(argv[1], "one");
	CHECK_STR(argv[2], "-two");
	CHECK(argv[3] == NULL);
	CHECK(v.is_loud && v.count == 3 && v.size == 2048 && v.wait == 1000000000 &&
	      v.level == -5);
	CHECK_STR(v.name, "n");
	CHECK_EQ(v.list.count, 2);
	CHECK_STR(v.list.items[1], "b");
	CHECK(v.list.items[2] == NULL);
}

static void test_errors(void)
{
	static const struct {
		char *words[4];
		const char *part;
	} rows[] = {
		{ { "x", "--nome", "n", NULL }, "unknown option '--nome'" },
		{ { "x", "-z", NULL, NULL }, "unknown option '-z'" },
		{ { "x", "--name", NULL, NULL }, "--name needs a value" },
		{ { "x", "-n", NULL, NULL }, "-n needs a value" },
		{ { "x", "--loud=yes", NULL, NULL }, "--loud takes no value" },
		{ { "x", "--count", "11", NULL }, "11 is not within 1 to 10" },
		{ { "x", "--count", "-1", NULL }, "'-1' is not a whole number" },
		{ { "x", "--count", "1x", NULL }, "'1x' is not a whole number" },
		{ { "x", "--level", "-6", NULL }, "-6 is not within -5 to 5" },
		{ { "x", "--size", "big", NULL }, "--size: 'big' is not a size" },
		{ { "x", "--wait", "soon", NULL }, "--wait: 'soon' is not a duration" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *argv[4];
		struct weir_error err = { 0 };
		struct values v;
		int argc;

		memcpy(argv, rows[i].words, sizeof argv);
		CHECK_EQ(parse(&v, argv, &argc, &err), WEIR_ERR_USAGE);
		CHECK(strstr(err.text, rows[i].part) != NULL);
	}
}

static void test_list_bound(void)
{
	char *argv[2 * OPTION_LIST_MAX + 4];
	struct weir_error err;
	struct values v;
	int argc, n = 0;

	argv[n++] = "x";
	for (int i = 0; i <= OPTION_LIST_MAX; i++) {
		argv[n++] = "-i";
		argv[n++] = "v";
	}
	argv[n] = NULL;
	CHECK_EQ(parse(&v, argv, &argc, &err), WEIR_ERR_USAGE);
	CHECK_EQ(v.list.count, OPTION_LIST_MAX);
}

int main(void)
{
	RUN(test_forms);
	RUN(test_errors);
	RUN(test_list_bound);
	return tap_done();
}
