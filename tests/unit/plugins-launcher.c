/* The launcher takes a recorder's command line and nothing else; a recorder that it starts is ours. */
#include "plugins/launcher.h"
#include "plugins/recording.h"

#include "lib/tap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define STORES "/var/lib/weir/stores"

/* 0, or that it was refused. */
static int check(const char *const *words)
{
	struct weir_error err;
	int rc = launcher_check(words, STORES, &err);

	if (rc && !err.text[0])
		return 1;
	return rc;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_recorders_go(void)
{
	json_t *arguments = json_pack(
		"{s:s,s:s,s:s,s:s,s:i,s:b,s:[s,s],s:s,s:s,s:s,s:i,s:s}", "mode", "divert",
		"filter", "--write /etc/passwd", "for", "10s", "layout", "pairs", "count",
		7, "strict", 1, "interfaces", "lo", "eth9", "case", "--output",
		"examiner", "-w", "rotate", "1MiB", "priority", -5, "keep", "1GiB");
	struct recording_done done = { .is_continued = true };
	struct recording_words w;

	CHECK(recording_words(&w, arguments, STORES "/a-1", &done));
	CHECK_EQ(check(w.items), 0);
	recording_stream_words(&w, arguments);
	CHECK_EQ(check(w.items), 0);
	json_decref(arguments);
}

static void test_other_commands_do_not(void)
{
	CHECK_EQ(check(WORDS("list", "--output", STORES "/a")), WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("agent", "run")), WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("export", "--output", STORES "/a")), WEIR_ERR_USAGE);
	CHECK_EQ(check((const char *const[]){ NULL }), WEIR_ERR_USAGE);
}

static void test_no_way_out(void)
{
	static const char *const outside[] = { "/etc",
					       STORES,
					       STORES "/",
					       STORES "/../x",
					       STORES "/a/b",
					       STORES "/.hidden",
					       "/var/lib/weir/storesx/a",
					       "a",
					       "" };

	for (size_t i = 0; i < ARRAY_LEN(outside); i++)
		CHECK_EQ(check(WORDS("sniff", "--control", "3", "--output", outside[i])),
			 WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--write", "/etc/cron.d/x")),
		 WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--filter-file", "/etc/shadow",
			     "--write", "-")),
		 WEIR_ERR_USAGE);
	CHECK_EQ(
		check(WORDS("sniff", "--control", "3", "--user", "root", "--write", "-")),
		WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--output=" STORES "/a")),
		 WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "5", "--write", "-")), WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "eth0", "--write", "-")),
		 WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--", "--write", "-")),
		 WEIR_ERR_USAGE);
}

static void test_one_output(void)
{
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--write", "-", "--output",
			     STORES "/a")),
		 WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--json")), WEIR_ERR_USAGE);
	/* A word that is missing is not taken from behind the end. */
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--write", "-", "--filter")),
		 WEIR_ERR_USAGE);
}

static void test_one_control(void)
{
	CHECK_EQ(check(WORDS("sniff", "--control", "3", "--write", "-")), 0);
	CHECK_EQ(check(WORDS("sniff", "--write", "-")), WEIR_ERR_USAGE);
	CHECK_EQ(check(WORDS("sniff", "--layer", "socket", "--write", "-")),
		 WEIR_ERR_USAGE);
}

/* What is run is this test, which has no command line and prints TAP: enough to see whose child it is. */
static void test_child_is_ours(void)
{
	struct weir_error err;
	struct launcher *l;
	struct program p;
	size_t length;

	CHECK_EQ(launcher_new(&l, STORES, &err), 0);
	CHECK_EQ(launcher_start(l, &p, WORDS("list"), &err), WEIR_ERR_USAGE);
	CHECK(strstr(err.text, "no recorder") != NULL);
	CHECK_EQ(launcher_start(l, &p, WORDS("sniff", "--control", "3", "--write", "-"),
				&err),
		 0);
	CHECK(p.process.pid > 0);
	CHECK_STR(program_line(&p, &length), "a recorder");
	CHECK_EQ(program_wait(&p), 42);
	program_fini(&p);
	launcher_free(l);
}

/* Its only child is the launcher. */
static pid_t the_child(void)
{
	FILE *f = fopen("/proc/thread-self/children", "r");
	char line[64] = "";

	if (!f || !fgets(line, sizeof line, f))
		line[0] = '\0';
	if (f)
		(void)fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

static void test_its_end_is_told(void)
{
	const char *const *words = WORDS("sniff", "--control", "3", "--write", "-");
	struct weir_error err;
	struct launcher *l;
	struct program p;
	pid_t pid;

	CHECK_EQ(launcher_new(&l, STORES, &err), 0);
	pid = the_child();
	if (!pid) {
		launcher_free(l);
		SKIP("this kernel does not list children");
	}
	CHECK(!atomic_load(launcher_is_gone(l)));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(launcher_start(l, &p, words, &err), WEIR_ERR_SYSTEM);
	CHECK(atomic_load(launcher_is_gone(l)));
	CHECK_EQ(launcher_start(l, &p, words, &err), WEIR_ERR_SYSTEM);
	CHECK_STR(err.text, LAUNCHER_GONE);
	launcher_free(l);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "sniff")) {
		(void)puts("a recorder");
		return 42;
	}
	RUN(test_recorders_go);
	RUN(test_other_commands_do_not);
	RUN(test_no_way_out);
	RUN(test_one_output);
	RUN(test_one_control);
	RUN(test_child_is_ours);
	RUN(test_its_end_is_told);
	return tap_done();
}
