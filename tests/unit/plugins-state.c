#include "base/mem.h"
#include "plugins/recording.h"
#include "plugins/state.h"

#include "lib/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static int open_folder(void)
{
	return open(folder, O_RDONLY | O_DIRECTORY);
}

static void test_round_trip(void)
{
	json_t *state = json_pack("{s:i}", "n", 1), *back = NULL;
	int dir = open_folder();

	CHECK_EQ(state_load(dir, "none.json", &back, NULL), 0);
	CHECK(back == NULL);
	CHECK_EQ(state_save(dir, "s.json", state, NULL), 0);
	CHECK_EQ(state_load(dir, "s.json", &back, NULL), 0);
	CHECK(json_equal(state, back));
	json_decref(back);
	json_decref(state);
	(void)close(dir);
}

static void test_damaged(void)
{
	struct weir_error err;
	json_t *back = NULL;
	int dir = open_folder(), fd = openat(dir, "d.json", O_WRONLY | O_CREAT, 0600);

	CHECK_EQ(write(fd, "{\"a\":", 5), 5);
	(void)close(fd);
	CHECK_EQ(state_load(dir, "d.json", &back, &err), WEIR_ERR_FORMAT);
	CHECK(back == NULL);
	CHECK_EQ(faccessat(dir, "d.json.damaged", R_OK, 0), 0);
	CHECK_EQ(state_load(dir, "d.json", &back, &err), 0);
	CHECK_EQ(symlinkat("/etc/passwd", dir, "l.json"), 0);
	CHECK(state_load(dir, "l.json", &back, &err) != 0);
	(void)close(dir);
}

/* Killed at any moment, the file is an old state or a new one, whole. */
static void test_killed(void)
{
	int dir = open_folder();

	for (unsigned round = 0; round < 20; round++) {
		pid_t pid = fork();
		json_t *back = NULL, *list;

		if (!pid) {
			for (int n = 0;; n++) {
				json_t *state = json_array();

				for (int i = 0; i < 200; i++)
					json_array_append_new(state, json_integer(n));
				(void)!state_save(dir, "k.json", state, NULL);
				json_decref(state);
			}
		}
		(void)usleep(2000 + 1700 * round);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		CHECK_EQ(state_load(dir, "k.json", &back, NULL), 0);
		list = back;
		CHECK(!list ||
		      (json_array_size(list) == 200 &&
		       json_equal(json_array_get(list, 0), json_array_get(list, 199))));
		json_decref(back);
	}
	(void)close(dir);
}

static void test_names(void)
{
	static const char *const good[] = { "a", "A-1_x.y", "0" }, *const bad[] = {
		"",    ".",  "..",  ".a",  "-a",   "_a",
		"a/b", "/a", "a b", "a\n", "a\\b", "\303\244"
	};
	char long_name[RECORDING_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK(recording_is_name(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!recording_is_name(bad[i]));
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	CHECK(!recording_is_name(long_name));
	long_name[RECORDING_NAME_MAX] = '\0';
	CHECK(recording_is_name(long_name));
}

static bool has_words(const struct recording_words *w, const char *option,
		      const char *value)
{
	for (size_t i = 0; i + 1 < w->count; i++)
		if (!strcmp(w->items[i], option))
			return !value || !strcmp(w->items[i + 1], value);
	return false;
}

static void test_words(void)
{
	struct recording_done fresh = { 0 }, later = { .is_continued = true,
						       .elapsed_ns = INT64_C(4000000000),
						       .packets = 7 };
	json_t *arguments =
		json_loads("{\"mode\":\"divert\",\"filter\":\"-o /etc/x\","
			   "\"for\":\"10s\",\"count\":10,\"interfaces\":[\"lo\"]}",
			   0, NULL);
	struct recording_words w;

	CHECK(recording_words(&w, arguments, "/s/x", &fresh));
	CHECK_STR(w.items[0], "divert");
	CHECK(has_words(&w, "--output", "/s/x"));
	/* A filter is one word behind its option, whatever is in it. */
	CHECK(has_words(&w, "--filter", "-o /etc/x"));
	CHECK(has_words(&w, "--for", "10000000000ns"));
	CHECK(has_words(&w, "--interface", "lo"));
	CHECK(!has_words(&w, "--continue", NULL));
	CHECK(recording_words(&w, arguments, "/s/x", &later));
	CHECK(has_words(&w, "--continue", NULL));
	CHECK(has_words(&w, "--for", "6000000000ns"));
	CHECK(has_words(&w, "--count", "3"));
	later.packets = 10;
	CHECK(!recording_words(&w, arguments, "/s/x", &later));
	json_object_set_new(arguments, "mode", json_string("sniff"));
	CHECK(recording_words(&w, arguments, "/s/x", &fresh));
	CHECK_STR(w.items[0], "sniff");
	json_decref(arguments);
}

static void test_filter(void)
{
	json_t *good = json_pack("{s:s}", "filter", "tcp.DstPort == 443"),
	       *bad = json_pack("{s:s}", "filter", "tcp.DestPort == 443"),
	       *layer = json_pack("{s:s,s:s}", "filter", "true", "layer", "flow2");
	struct weir_error err = { 0 };

	CHECK_EQ(recording_check_filter(good, &err), 0);
	CHECK_EQ(recording_check_filter(bad, &err), WEIR_ERR_USAGE);
	CHECK(strstr(err.text, "tcp.DestPort") != NULL);
	CHECK(recording_check_filter(layer, &err) != 0);
	json_decref(good);
	json_decref(bad);
	json_decref(layer);
}

int main(void)
{
	char command[100];

	(void)snprintf(folder, sizeof folder, "/tmp/weir-state-%d", (int)getpid());
	if (mkdir(folder, 0700))
		return 1;
	RUN(test_round_trip);
	RUN(test_damaged);
	RUN(test_killed);
	RUN(test_names);
	RUN(test_words);
	RUN(test_filter);
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command) ? 1 : tap_done();
}
