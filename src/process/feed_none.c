/* A build without clang or libbpf: there are no programs to load. */
#include "process/feed.h"

bool feed_is_built_in(void)
{
	return false;
}

int feed_open(struct feed **f, const struct feed_config *config, struct weir_error *err)
{
	(void)config;
	*f = NULL;
	return err_set(err, WEIR_ERR_UNSUPPORTED, "this build has no eBPF programs");
}

void feed_close(struct feed *f)
{
	(void)f;
}

int feed_read_sockets(struct feed *f, feed_on_socket on, void *arg)
{
	(void)f;
	(void)on;
	(void)arg;
	return 0;
}

int feed_read_processes(struct feed *f, feed_on_process on, void *arg)
{
	(void)f;
	(void)on;
	(void)arg;
	return 0;
}

int feed_socket_fd(const struct feed *f)
{
	(void)f;
	return -1;
}

int feed_process_fd(const struct feed *f)
{
	(void)f;
	return -1;
}

uint64_t feed_lost_sockets(const struct feed *f)
{
	(void)f;
	return 0;
}

uint64_t feed_lost(const struct feed *f)
{
	(void)f;
	return 0;
}

uint32_t feed_execs(const struct feed *f, uint32_t pid)
{
	(void)f;
	(void)pid;
	return 0;
}

json_t *feed_describe(const struct feed *f)
{
	(void)f;
	return NULL;
}
