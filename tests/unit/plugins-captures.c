/* The captures of divert, beside recorders that do what they should not: each is this test itself, and its case
 * says what it does. */
#include "base/time.h"
#include "plugins/captures.h"
#include "plugins/state.h"
#include "port/port.h"

#include "lib/store-driver.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64], stores[96];

/* The recorder's side. */

static const char *value_of(char **words, const char *option)
{
	for (size_t i = 0; words[i] && words[i + 1]; i++)
		if (!strcmp(words[i], option))
			return words[i + 1];
	return "";
}

/* STORE.words has a line of each of its recorders. */
static void note(char **words)
{
	char path[256], line[2048] = "";
	size_t used = 0;
	int fd;

	(void)snprintf(path, sizeof path, "%s.words", value_of(words, "--output"));
	for (size_t i = 0; words[i]; i++)
		used += (size_t)snprintf(line + used, sizeof line - used, "%s%s",
					 i ? " " : "", words[i]);
	line[used++] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, used) != (ssize_t)used)
		exit(1);
	(void)close(fd);
}

/* silent: never says that it has begun.  deaf: does not end when it is asked to.  All end with their owner. */
static int be_recorder(char **words)
{
	const char *kind = value_of(words, "--case");
	char asked[256];

	note(words);
	if (strcmp(kind, "silent") != 0)
		(void)puts("{\"type\":\"started\"}");
	(void)fflush(stdout);
	while (read(3, asked, sizeof asked) > 0) {
		if (!strcmp(kind, "deaf"))
			continue;
		if (strcmp(kind, "silent") != 0)
			(void)puts("{\"type\":\"summary\",\"grade\":\"complete\"}");
		return 0;
	}
	return 0;
}

/* The plugin's side. */

static void path_of(char path[160], const char *store)
{
	(void)snprintf(path, 160, "%s/%s.words", stores, store);
}

static unsigned recorders_of(const char *store)
{
	unsigned lines = 0;
	char path[160];
	FILE *f;

	path_of(path, store);
	f = fopen(path, "r");
	for (int c; f && (c = fgetc(f)) != EOF;)
		lines += c == '\n';
	if (f)
		(void)fclose(f);
	return lines;
}

static bool has_begun(const char *store)
{
	for (unsigned tries = 0; tries < 20000; tries++) {
		if (recorders_of(store))
			return true;
		(void)usleep(1000);
	}
	return false;
}

struct plugin {
	struct launcher *launcher;
	struct captures *captures;
};

static void open_plugin(struct plugin *p)
{
	struct weir_error err;

	CHECK_EQ(launcher_new(&p->launcher, stores, &err), 0);
	CHECK_EQ(captures_new(&p->captures, stores, p->launcher, &err), 0);
}

static void close_plugin(struct plugin *p)
{
	captures_free(p->captures);
	launcher_free(p->launcher);
}

static json_t *arguments_of(const char *name, const char *kind)
{
	return json_pack("{s:s,s:s,s:s}", "mode", "sniff", "store", name, "case", kind);
}

static const struct captures_caller stays = { .name = "test" };

static bool always(const void *who)
{
	(void)who;
	return true;
}

static const struct captures_caller goes = { .name = "test", .is_gone = always };

static int start(struct plugin *p, const char *name, const char *kind,
		 const struct captures_caller *by)
{
	json_t *arguments = arguments_of(name, kind), *result = NULL;
	struct weir_error err;
	int rc = captures_start(p->captures, name, arguments, by, &result, &err);

	json_decref(arguments);
	json_decref(result);
	return rc;
}

static bool is_in_state(struct plugin *p, const char *name, const char *state)
{
	json_t *one = captures_status(p->captures, name);
	const char *now = json_string_value(json_object_get(one, "state"));
	bool is_it = now && !strcmp(now, state);

	json_decref(one);
	return is_it;
}

static bool comes_to(struct plugin *p, const char *name, const char *state)
{
	for (unsigned tries = 0; tries < 20000; tries++) {
		if (is_in_state(p, name, state))
			return true;
		(void)usleep(1000);
	}
	return false;
}

/* A life of the plugin that is killed: in a process of its own, whose checks are in its exit code. */
static void live_and_be_killed(void (*live)(struct plugin *p))
{
	struct plugin p;
	int status = -1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (!pid) {
		open_plugin(&p);
		live(&p);
		(void)fflush(stdout);
		_exit(tap.is_failing);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

struct starting {
	struct plugin *plugin;
	const char *name;
	int rc;
};

static void *start_silent(void *arg)
{
	struct starting *s = arg;

	s->rc = start(s->plugin, s->name, "silent", &stays);
	return NULL;
}

static void test_stop_beside_a_start_that_fails(void)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	struct weir_error err;
	struct plugin p;

	open_plugin(&p);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct starting s = { .plugin = &p, .name = names[i] };
		struct port_thread *thread;
		json_t *result = NULL;

		CHECK_EQ(port_thread_start(&thread, "start", start_silent, &s, &err), 0);
		CHECK(has_begun(names[i]));
		/* Its recorder ends when it hears of this; who starts it is told first. */
		CHECK_EQ(captures_end(p.captures, names[i], &stays, &result, &err), 0);
		CHECK_STR(json_string_value(json_object_get(result, "name")), names[i]);
		CHECK_STR(json_string_value(json_object_get(result, "state")), "ended");
		port_thread_join(thread);
		CHECK_EQ(s.rc, WEIR_ERR_SYSTEM);
		/* And it is in nobody's list. */
		CHECK(captures_status(p.captures, names[i]) == NULL);
		json_decref(result);
	}
	close_plugin(&p);
}

static void stop_a_deaf_one(struct plugin *p)
{
	json_t *result = NULL;
	struct weir_error err;

	CHECK_EQ(start(p, "deaf", "deaf", &stays), 0);
	CHECK(is_in_state(p, "deaf", "recording"));
	CHECK_EQ(captures_end(p->captures, "deaf", &goes, &result, &err),
		 WEIR_ERR_CLOSED);
	CHECK(result == NULL);
	CHECK(is_in_state(p, "deaf", "stopping"));
}

static void test_who_goes_is_not_waited_for(void)
{
	struct plugin p;

	live_and_be_killed(stop_a_deaf_one);
	/* What was told to end is not recorded on. */
	open_plugin(&p);
	CHECK(comes_to(&p, "deaf", "ended"));
	CHECK_EQ(recorders_of("deaf"), 1);
	CHECK_EQ(start(&p, "given-up", "silent", &goes), WEIR_ERR_CLOSED);
	CHECK(comes_to(&p, "given-up", "ended"));
	close_plugin(&p);
}

/* What a life of the plugin left: one that began so long ago by the calendar, and by the clock of that boot.  Takes
 * the arguments. */
static void save_state(const char *name, const char *state, json_t *arguments,
		       const char *boot_id, int64_t calendar_s, int64_t clock_s)
{
	json_t *one = json_pack("{s:s,s:s,s:s,s:s,s:o,s:I,s:s,s:I}", "name", name,
				"store", name, "state", state, "caller", "test",
				"arguments", arguments, "started_ns",
				(json_int_t)(port_realtime_ns() - calendar_s * NS_PER_S),
				"boot_id", boot_id, "began_ns",
				(json_int_t)(port_monotonic_ns() - clock_s * NS_PER_S)),
	       *all = json_pack("{s:i,s:[o]}", "version", 1, "captures", one);
	struct weir_error err;
	int fd = -1;

	CHECK_EQ(state_open(&fd, &err), 0);
	CHECK_EQ(state_save(fd, "captures.json", all, &err), 0);
	(void)close(fd);
	json_decref(all);
}

/* A store that is being recorded, with these packets. */
static void open_store(struct driver *d, const char *name, unsigned packets)
{
	struct weir_error err;

	driver_init(d);
	(void)snprintf(d->path, sizeof d->path, "%.60s/%s", stores, name);
	CHECK(driver_iface(d, "eth0", 1) != NULL);
	CHECK_EQ(driver_start(d, &err), 0);
	CHECK_EQ(driver_write(d, packets, T0, 60), 0);
}

static void close_driver(struct driver *d)
{
	struct weir_error err;

	CHECK_EQ(driver_close(d, &err), 0);
	driver_fini(d);
}

/* What a recorder of it is given of a bound; -1: no recorder, or none of that. */
static int64_t left_of(const char *name, const char *option)
{
	char path[160], line[2048] = "";
	const char *found;
	FILE *f;

	CHECK(has_begun(name));
	path_of(path, name);
	f = fopen(path, "r");
	found = f && fgets(line, sizeof line, f) ? strstr(line, option) : NULL;
	if (f)
		(void)fclose(f);
	return found ? strtoll(found + strlen(option), NULL, 10) : -1;
}

static void check_left(const char *name, const char *boot_id, int64_t calendar_s,
		       int64_t clock_s, int64_t want_s)
{
	json_t *arguments = arguments_of(name, "good");
	struct driver store;
	struct plugin p;
	int64_t left;

	json_object_set_new(arguments, "for", json_string("60s"));
	save_state(name, "recording", arguments, boot_id, calendar_s, clock_s);
	open_store(&store, name, 1);
	close_driver(&store);
	open_plugin(&p);
	left = left_of(name, "--for ");
	/* A busy machine takes its time. */
	CHECK(left <= want_s * NS_PER_S && left > (want_s - 20) * NS_PER_S);
	close_plugin(&p);
}

static void test_calendar_is_set(void)
{
	struct port_identity id;

	port_identity(&id);
	CHECK(id.boot_id[0]);
	check_left("forward", id.boot_id, 3600, 20, 40);
	check_left("back", id.boot_id, -3600, 20, 40);
	/* Since the machine was started again there is the calendar alone, which is not believed to go back. */
	check_left("other-boot", "another", 20, -500, 40);
	check_left("other-back", "another", -3600, 9, 60);
}

static void test_packets_are_in_the_store(void)
{
	json_t *arguments = arguments_of("counted", "good");
	struct driver store;
	struct plugin p;

	json_object_set_new(arguments, "count", json_integer(10));
	save_state("counted", "recording", arguments, "", 1, 1);
	open_store(&store, "counted", 7);
	close_driver(&store);
	open_plugin(&p);
	CHECK_EQ(left_of("counted", "--count "), 3);
	close_plugin(&p);
}

static void test_stopping_until_the_store_is_closed(void)
{
	struct driver store;
	struct plugin p;
	json_t *one;

	save_state("slow", "stopping", arguments_of("slow", "good"), "", 1, 1);
	open_store(&store, "slow", 5);
	/* Its recorder lives: the plugin may end in between. */
	open_plugin(&p);
	CHECK(is_in_state(&p, "slow", "stopping"));
	close_plugin(&p);
	open_plugin(&p);
	CHECK(is_in_state(&p, "slow", "stopping"));
	close_driver(&store);
	CHECK(comes_to(&p, "slow", "ended"));
	one = captures_status(p.captures, "slow");
	CHECK_STR(json_string_value(
			  json_object_get(json_object_get(one, "summary"), "grade")),
		  "complete");
	json_decref(one);
	close_plugin(&p);
	CHECK_EQ(recorders_of("slow"), 0);
}

static bool make_folders(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/weir-captures-%d", (int)getpid());
	(void)snprintf(stores, sizeof stores, "%s/stores", folder);
	return !mkdir(folder, 0700) && !mkdir(stores, 0700) &&
	       !setenv(STATE_DIR_ENV, folder, 1);
}

int main(int argc, char **argv)
{
	char command[100];

	if (argc > 1 && !strcmp(argv[1], "sniff"))
		return be_recorder(argv + 1);
#ifdef M_PERTURB
	/* What was freed is not taken for what it was. */
	(void)mallopt(M_PERTURB, 0x5a);
#endif
	if (!make_folders())
		return 1;
	RUN(test_stop_beside_a_start_that_fails);
	RUN(test_who_goes_is_not_waited_for);
	RUN(test_calendar_is_set);
	RUN(test_packets_are_in_the_store);
	RUN(test_stopping_until_the_store_is_closed);
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command) ? 1 : tap_done();
}
