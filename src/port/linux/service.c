#include "port/service.h"

static int refuse(struct weir_error *err)
{
	return err_set(err, WEIR_ERR_UNSUPPORTED,
		       "services are systemd's here: use weir-agent.service");
}

int service_install(const struct service *s, struct weir_error *err)
{
	(void)s;
	return refuse(err);
}

int service_remove(const char *name, struct weir_error *err)
{
	(void)name;
	return refuse(err);
}

int service_start(const char *name, struct weir_error *err)
{
	(void)name;
	return refuse(err);
}

int service_stop(const char *name, struct weir_error *err)
{
	(void)name;
	return refuse(err);
}

int service_look(const char *name, struct service_state *state, struct weir_error *err)
{
	(void)name;
	(void)state;
	return refuse(err);
}

/* systemd starts a program like anybody else. */
int service_run(const char *name, int (*run)(void *arg), void *arg, FILE *errors,
		bool *is_service, int *code, struct weir_error *err)
{
	(void)name;
	(void)run;
	(void)arg;
	(void)errors;
	(void)err;
	*code = 0;
	*is_service = false;
	return 0;
}

void service_ready(void)
{
}
