#include "filesystem/pattern.h"

#include "lib/tap.h"

/* Whether the pattern matches a path, going down as a walk does; *opened is how many directories
 * would be opened on the way. */
static bool matches(const struct pattern *p, const char *path, unsigned *opened)
{
	uint64_t state = pattern_start(p);
	bool is_match = false;

	*opened = 1;
	for (const char *s = path; *s && state;) {
		size_t n = strcspn(s, "/");

		state = pattern_step(p, state, s, n, &is_match);
		s += n;
		if (*s) {
			if (!state)
				return false;
			++*opened;
			is_match = false;
			s++;
		}
	}
	return is_match;
}

static void test_matches(void)
{
	static const struct {
		const char *pattern, *path;
		bool want;
	} rows[] = {
		{ "*.c", "a.c", true },
		{ "*.c", "x/y/a.c", true }, /* no slash: at every depth */
		{ "*.c", "a.cc", false },
		{ "x/*.c", "x/a.c", true },
		{ "x/*.c", "y/x/a.c", false },
		{ "x/*.c", "x/y/a.c", false },
		{ "**/a", "a", true },
		{ "**/a", "x/y/a", true },
		{ "x/**/a", "x/a", true },
		{ "x/**/a", "x/1/2/3/a", true },
		{ "x/**/a", "y/a", false },
		{ "x/**", "x/1", true },
		{ "x/**", "x/1/2", true },
		{ "x/**", "y", false },
		{ "**", "any/thing", true },
		{ "**/b/**/c", "a/b/d/b/c", true },
		{ "?", "a", true },
		{ "?", "ab", false },
		{ "?", "\xff", true },
		{ "[abc]x", "bx", true },
		{ "[!abc]x", "bx", false },
		{ "[^abc]x", "dx", true },
		{ "[a-f0-9]", "e", true },
		{ "[a-f0-9]", "g", false },
		{ "[]]", "]", true },
		{ "[]-]", "-", true },
		{ "[a", "[a", true }, /* no set: a plain bracket */
		{ "\\*", "*", true },
		{ "\\*", "x", false },
		{ "\\[a]", "[a]", true },
		{ "{a,b}.c", "b.c", true },
		{ "{a,b}.c", "c.c", false },
		{ "{a,b{1,2}}.c", "b2.c", true },
		{ "{x/y,z}/f", "x/y/f", true },
		{ "{x/y,z}/f", "z/f", true },
		{ "{x/y,z}/f", "x/f", false },
		{ "a{,b}", "a", true },
		{ "a{,b}", "ab", true },
		{ "\\{a,b}", "{a,b}", true },
		{ "{a", "{a", true },
		{ ".*", ".hidden", true },
		{ "*", ".hidden", true },
		{ "a*b*c", "aXbXbXc", true },
		{ "a*b*c", "aXbXbX", false },
		{ "***a", "bba", true },
		{ "a//b/", "a/b", true },
	};

	unsigned opened;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pattern *p;
		bool got;

		CHECK(!pattern_parse(&p, rows[i].pattern, false, NULL));
		got = matches(p, rows[i].path, &opened);
		CHECK(got == rows[i].want);
		if (got != rows[i].want)
			printf("# %s on %s\n", rows[i].pattern, rows[i].path);
		pattern_free(p);
	}
}

static void test_case(void)
{
	struct pattern *p;
	unsigned opened;

	CHECK(!pattern_parse(&p, "ReadMe[a-c]", true, NULL));
	CHECK(matches(p,
		      "README"
		      "B",
		      &opened));
	pattern_free(p);
	CHECK(!pattern_parse(&p, "readme", false, NULL));
	CHECK(!matches(p, "README", &opened));
	pattern_free(p);
}

static void test_prunes(void)
{
	struct pattern *p;
	unsigned opened;

	CHECK(!pattern_parse(&p, "usr/bin/*", false, NULL));
	CHECK(!matches(p, "home/user/x", &opened));
	CHECK_EQ(opened, 1);
	CHECK(!matches(p, "usr/lib/x", &opened));
	CHECK_EQ(opened, 2);
	CHECK(matches(p, "usr/bin/x", &opened));
	CHECK_EQ(opened, 3);
	CHECK(pattern_is_deep(p));
	pattern_free(p);
	CHECK(!pattern_parse(&p, "*.c", false, NULL));
	CHECK(!pattern_is_deep(p));
	pattern_free(p);
}

static void test_refused(void)
{
	static char many[PATTERN_BYTES + 10];
	struct weir_error err;
	struct pattern *p;

	CHECK_EQ(pattern_parse(&p, "", false, &err), WEIR_ERR_USAGE);
	CHECK_EQ(pattern_parse(&p, "/etc/*", false, &err), WEIR_ERR_USAGE);
	CHECK_EQ(pattern_parse(&p, "{,}", false, &err), WEIR_ERR_USAGE);
	CHECK_EQ(pattern_parse(&p, "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", false,
			       &err),
		 WEIR_ERR_LIMIT);
	for (unsigned i = 0; i < 70; i++) {
		many[2 * i] = 'a';
		many[2 * i + 1] = '/';
	}
	CHECK_EQ(pattern_parse(&p, many, false, &err), WEIR_ERR_LIMIT);
	memset(many, 'a', PATTERN_BYTES + 1);
	CHECK_EQ(pattern_parse(&p, many, false, &err), WEIR_ERR_LIMIT);
	CHECK(!p);
}

/* Stars that would take ages by trying everything. */
static void test_is_linear(void)
{
	static char name[256];
	struct pattern *p;
	unsigned opened;

	memset(name, 'a', 255);
	CHECK(!pattern_parse(&p, "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", false, NULL));
	CHECK(!matches(p, name, &opened));
	pattern_free(p);
}

int main(void)
{
	RUN(test_matches);
	RUN(test_case);
	RUN(test_prunes);
	RUN(test_refused);
	RUN(test_is_linear);
	return tap_done();
}
