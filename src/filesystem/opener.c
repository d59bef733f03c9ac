#include "filesystem/opener.h"

#include "base/mem.h"
#include "port/port.h"

struct job {
	char *path;
	const struct mount_row *mount;
	const struct mounts *mounts;
	struct volume *volume;
	struct port_event done;
	struct weir_error err;
	int rc;
};

static void *run(void *arg)
{
	struct job *j = arg;

	if (j->mount)
		j->rc = volume_open_mount(j->volume, j->path, j->mount, j->mounts,
					  &j->err);
	else
		j->rc = volume_open(j->volume, j->path, j->mounts, &j->err);
	port_event_set(&j->done);
	return NULL;
}

static void free_job(struct job *j)
{
	if (!j)
		return;
	port_event_fini(&j->done);
	mem_free(j->path);
	mem_free(j->volume);
	mem_free(j);
}

static struct job *new_job(const char *path)
{
	struct job *j = mem_new(1, sizeof *j);

	if (!j)
		return NULL;
	j->done.fd = -1;
	j->path = mem_strdup(path);
	j->volume = mem_new(1, sizeof *j->volume);
	if (j->path && j->volume && !port_event_init(&j->done, NULL))
		return j;
	free_job(j);
	return NULL;
}

int opener_open(struct volume **v, const char *path, const struct mount_row *mount,
		const struct mounts *mounts, int64_t stall_ns, struct weir_error *err)
{
	struct job *j = new_job(path);
	struct port_thread *t;
	int rc;

	*v = NULL;
	if (!j)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory to open '%s'", path);
	j->mount = mount;
	j->mounts = mounts;
	rc = port_thread_start(&t, "weir-open", run, j, err);
	if (rc) {
		free_job(j);
		return rc;
	}
	if (!port_event_wait(&j->done, stall_ns ? stall_ns : -1))
		return err_set(err, WEIR_ERR_BUSY, "'%s' does not answer", path);
	port_thread_join(t);
	rc = j->rc;
	if (rc && err)
		*err = j->err;
	if (!rc) {
		/* The live system's state lies in the volume itself, which does not move. */
		*v = j->volume;
		j->volume = NULL;
	}
	free_job(j);
	return rc;
}
