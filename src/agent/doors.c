#include "agent/doors.h"

#include "agent/private_file.h"
#include "base/mem.h"
#include "port/net.h"
#include "port/places.h"

#include <event2/event.h>
#include <unistd.h>

struct doors {
	struct agent_config config;
	const struct agent_log *log;
	int dir_fd;
	bool has_key;
	struct keypair key;
	struct authority *authority;
	struct server *server;
	struct event *tick;
};

int doors_directory(const char *data, int *dir_fd, struct weir_error *err)
{
	char path[CONFIG_PATH_MAX + 16];
	int rc = private_dirs_make(data, false, err);

	*dir_fd = -1;
	(void)snprintf(path, sizeof path, "%s/" DOORS_DIR, data);
	/* In a directory of somebody else nothing would be private. */
	if (!rc)
		rc = port_directory_make(data, 0711, NULL, err);
	if (!rc)
		rc = private_dirs_make(path, false, err);
	return rc ? rc : private_dir_open(path, dir_fd, err);
}

bool doors_socket(const struct agent_config *config, char path[CONFIG_PATH_MAX])
{
	int n = 0;

	if (!strcmp(config->socket, "none"))
		return false;
	if (config->socket[0])
		n = snprintf(path, CONFIG_PATH_MAX, "%s", config->socket);
	else if (!strcmp(config->data, CONFIG_DATA))
		n = snprintf(path, CONFIG_PATH_MAX, CONFIG_SOCKET);
	else
		return local_path(config->data, path, CONFIG_PATH_MAX);
	return n > 0 && n < CONFIG_PATH_MAX;
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
	struct doors *d = data;

	(void)fd;
	(void)what;
	authority_tick(d->authority);
}

static int load_key(struct doors *d, struct weir_error *err)
{
	int rc = keypair_load(d->dir_fd, DOORS_KEY, &d->key, err);

	d->has_key = !rc;
	return rc == WEIR_ERR_ABSENT ? 0 : rc;
}

static int start_clock(struct doors *d, struct event_base *base, struct weir_error *err)
{
	struct timeval second = { .tv_sec = 1 };

	d->tick = event_new(base, -1, EV_PERSIST, on_tick, d);
	if (!d->tick || event_add(d->tick, &second))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a timer");
	return 0;
}

static void choose_socket(struct doors *d)
{
	char path[CONFIG_PATH_MAX] = "";

	if (!doors_socket(&d->config, path))
		path[0] = '\0';
	(void)snprintf(d->config.socket, sizeof d->config.socket, "%s", path);
}

static void tell_addresses(const struct doors *d)
{
	char text[CONFIG_ADDRESS + 16];

	for (size_t i = 0; server_address(d->server, i, text); i++)
		agent_log(d->log, LOG_INFO, "agent", "listening on %s",
			  strcmp(text, DOOR_LOCAL) != 0 ? text : d->config.socket);
}

int doors_open(struct doors **out, const struct agent_config *config,
	       struct event_base *base, struct dispatch *dispatch,
	       const struct agent_log *log, struct weir_error *err)
{
	struct doors *d = mem_new(1, sizeof *d);
	int rc;

	*out = NULL;
	if (!d)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for the agent");
	d->config = *config;
	d->log = log;
	choose_socket(d);
	rc = doors_directory(config->data, &d->dir_fd, err);
	if (!rc)
		rc = load_key(d, err);
	if (!rc) {
		const struct authority_config c = { &d->config, log, d->dir_fd,
						    d->has_key ? &d->key.pin : NULL };

		rc = authority_new(&d->authority, dispatch, base, &c, err);
	}
	if (!rc) {
		const struct server_config c = { &d->config, log, base, d->authority,
						 d->has_key ? &d->key : NULL };

		rc = server_open(&d->server, &c, err);
	}
	if (!rc)
		rc = start_clock(d, base, err);
	if (rc) {
		doors_close(d);
		return rc;
	}
	tell_addresses(d);
	*out = d;
	return 0;
}

void doors_close(struct doors *d)
{
	if (!d)
		return;
	if (d->tick)
		event_free(d->tick);
	server_close(d->server);
	authority_free(d->authority);
	keypair_fini(&d->key);
	if (d->dir_fd >= 0)
		(void)close(d->dir_fd);
	mem_free(d);
}

struct gate doors_gate(struct doors *d)
{
	return authority_gate(d->authority);
}
