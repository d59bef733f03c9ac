/* `weir agent run`: one event loop with plugins behind it and transports before it. */
#include "cli/agent.h"

#include "agent/dispatch.h"
#include "agent/doors.h"
#include "agent/host.h"
#include "agent/tim_server.h"
#include "base/time.h"
#include "cli/cli.h"
#include "port/net.h"
#include "port/service.h"

#include <event2/event.h>

struct agent_options {
	const char *file, *data, *socket, *user, *tim, *without;
	struct option_list plugins, listen;
	bool is_quiet, want_help;
};

struct agent {
	struct agent_options options;
	struct agent_config config;
	struct host_config host;
	struct agent_log log;
	struct event_base *base;
	struct port_stop stop;
	struct event *stopping;
	struct dispatch *dispatch;
	struct doors *doors;
	struct tim_server *tim;
};

/* Talk: a line with its time to standard error. */
static void print_line(void *data, enum log_level level, const char *subject,
		       const char *text)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	const struct agent *a = data;
	char at[TIME_TEXT];

	if (a->options.is_quiet && level < LOG_WARNING)
		return;
	time_format(port_realtime_ns(), at);
	(void)fprintf(stderr, "%s %s %s: %s\n", at, names[level], subject, text);
}

static void on_stop(evutil_socket_t fd, short what, void *data)
{
	struct agent *a = data;
	unsigned wake = port_stop_wait(&a->stop, NULL, -1, 0);

	(void)fd;
	(void)what;
	agent_log(&a->log, LOG_INFO, "agent", "ending: %s",
		  wake & PORT_WAKE_INTERRUPT ? "interrupted" : "asked to");
	dispatch_stop(a->dispatch);
}

static int open_loop(struct agent *a, struct weir_error *err)
{
	int fd = -1, rc = net_start(err);

	if (!rc)
		rc = port_stop_init(&a->stop, true, err);
	if (!rc)
		rc = port_stop_socket(&a->stop, &fd, err);
	if (rc)
		return rc;
	a->base = event_base_new();
	if (!a->base)
		return err_set(err, WEIR_ERR_SYSTEM, "cannot make an event loop");
	a->stopping = event_new(a->base, fd, EV_READ, on_stop, a);
	if (!a->stopping || event_add(a->stopping, NULL))
		return err_set(err, WEIR_ERR_SYSTEM, "cannot wait for a request to end");
	return dispatch_new(&a->dispatch, a->base, err);
}

static int open_agent(struct agent *a, struct weir_error *err)
{
	int rc = open_loop(a, err);

	if (!rc)
		rc = host_add(a->dispatch, &a->host, err);
	if (!rc)
		rc = doors_open(&a->doors, &a->config, a->base, a->dispatch, &a->log,
				err);
	if (!rc && a->config.tim[0] && strcmp(a->config.tim, "none") != 0) {
		struct tim_config config = { .address = a->config.tim,
					     .base = a->base,
					     .gate = doors_gate(a->doors),
					     .log = &a->log };

		rc = tim_server_open(&a->tim, &config, err);
	}
	return rc;
}

static void close_agent(struct agent *a)
{
	tim_server_close(a->tim);
	doors_close(a->doors);
	dispatch_free(a->dispatch);
	if (a->stopping)
		event_free(a->stopping);
	if (a->base)
		event_base_free(a->base);
	port_stop_fini(&a->stop);
}

static int run(struct agent *a)
{
	struct weir_error err = { 0 };
	int rc;

	/* A controller that goes away is found when writing to it. */
	port_ignore_pipe();
	rc = open_agent(a, &err);
	if (!rc) {
		service_ready();
		agent_log(&a->log, LOG_INFO, "agent", "running, data in '%s'",
			  a->host.data);
		if (event_base_dispatch(a->base) < 0)
			rc = err_set(&err, WEIR_ERR_SYSTEM, "the event loop failed");
	}
	close_agent(a);
	return rc ? cli_fail("agent", &err) : EXIT_DONE;
}

/* What the command line says stands over the file. */
static int read_config(struct agent *a, struct weir_error *err)
{
	const struct agent_options *o = &a->options;
	int rc = agent_config_load(&a->config, o->file, o->data, err);

	if (!rc && o->socket)
		rc = config_set(&a->config, "socket", o->socket, err);
	if (!rc && o->tim)
		rc = config_set(&a->config, "tim", o->tim, err);
	if (!rc && o->listen.count)
		a->config.listen_count = 0;
	for (size_t i = 0; !rc && i < o->listen.count; i++)
		rc = config_set(&a->config, "listen", o->listen.items[i], err);
	return rc;
}

static int run_agent(int argc, char **argv)
{
	struct agent a = { .options = { .data = NULL }, .stop = { .fd = -1 } };
	struct agent_options *o = &a.options;
	/* clang-format off: one row a line */
	const struct option table[] = {
		{ "config", 'c', OPTION_STRING, &o->file, "FILE",
		  "the configuration (" CONFIG_PATH ", where it is there)", 0, 0 },
		{ "data", 'd', OPTION_STRING, &o->data, "DIR",
		  "where stores and plugins' state lie (" CONFIG_DATA ")", 0, 0 },
		{ "listen", 0, OPTION_LIST, &o->listen, "ADDRESS[:PORT]",
		  "answer paired controllers by HTTPS; may be repeated", 0, 0 },
		{ "socket", 0, OPTION_STRING, &o->socket, "PATH",
		  "answer this machine's users there (" PLACE_DOOR "); none for none", 0,
		  0 },
		{ "plugin", 0, OPTION_LIST, &o->plugins, "FILE",
		  "host the plugin that FILE describes; may be repeated", 0, 0 },
		{ "tim", 0, OPTION_STRING, &o->tim, "ADDRESS:PORT",
		  "answer the prototype's line protocol; loopback only", 0, 0 },
		{ "user", 0, OPTION_STRING, &o->user, "NAME",
		  "when started as root, run our plugins as this user (weir, else nobody)",
		  0, 0 },
		{ "allow-without", 0, OPTION_STRING, &o->without, "PARTS",
		  "parts of the sandboxes that may be missing: user,privileges,files,calls,limits",
		  0, 0 },
		{ "quiet", 'q', OPTION_FLAG, &o->is_quiet, NULL,
		  "warnings and errors only", 0, 0 },
		OPTION_HELP(&o->want_help),
		OPTION_END
	};
	/* clang-format on */
	struct weir_error err = { 0 };
	int rc = options_parse(table, &argc, argv, &err);

	if (!rc && o->want_help)
		return cli_help(command_find("agent"), table);
	if (!rc && argc != 1)
		rc = err_set(&err, WEIR_ERR_USAGE, "'%.60s' is one word too many",
			     argv[1]);
	if (!rc)
		rc = read_config(&a, &err);
	if (!rc && o->without)
		rc = host_parse_parts(o->without, &a.host.optional, &err);
	if (rc)
		return cli_fail("agent", &err);
	a.log = (struct agent_log){ .line = print_line, .data = &a };
	a.host.data = a.config.data;
	a.host.plugin_files = o->plugins.count ? o->plugins.items : NULL;
	a.host.user = o->user;
	a.host.times = plugin_times_default;
	a.host.log = &a.log;
	return run(&a);
}

int cmd_agent(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} words[] = { { "run", run_agent },
		      { "init", agent_init },
		      { "code", agent_code } };
	struct weir_error err;

	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(words); i++)
		if (!strcmp(argv[1], words[i].name))
			return words[i].run(argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return run_agent(argc, argv);
	if (argc > 1)
		(void)err_set(&err, WEIR_ERR_USAGE,
			      "unknown %s '%s': one of run, init and code is wanted",
			      argv[1][0] == '-' ? "option" : "word", argv[1]);
	else
		(void)err_set(&err, WEIR_ERR_USAGE,
			      "one of run, init and code is wanted");
	return cli_fail("agent", &err);
}
