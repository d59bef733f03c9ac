/* One capture of the table in captures.c, and the thread that watches its recorder (capture.c).  For those two
 * only.
 *
 * What is guarded by the table's lock may be read and changed with it alone. */
#ifndef WEIR_PLUGINS_CAPTURE_H
#define WEIR_PLUGINS_CAPTURE_H

#include "plugins/captures.h"
#include "plugins/recording.h"
#include "port/port.h"

#define CAPTURE_POLL_NS (200 * NS_PER_MS)

enum life {
	STARTING,
	RECORDING,
	WAITING,
	STOPPING, /* by request; until its store is closed */
	ENDED
};

struct capture {
	struct captures *all;
	struct capture *next;
	char name[RECORDING_NAME_MAX + 1], store[RECORDING_NAME_MAX + 1], caller[128];
	json_t *arguments;
	struct port_thread *thread;
	/* Guarded by the table's lock. */
	enum life life;
	bool want_stop, has_started; /* ever */
	bool is_over;                /* the thread has ended */
	unsigned waiters;            /* who stands on it */
	int64_t started_ns, ended_ns;
	int64_t began_ns; /* the same as started_ns, by the clock that nobody sets */
	int control_fd;
	int pid;
	json_t *figures, *summary; /* the recorder's last words */
	json_t *sandbox;           /* what it has given up */
	uint64_t restarts;
	char error[400];
};

struct captures {
	struct port_monitor *lock;
	struct launcher *launcher;
	char stores[2048], boot_id[64];
	int state_fd;
	struct capture *first;
	bool is_stopping;
};

/* A change that is not asked for by anybody who could be told of a failure: it is in the list.  With the lock
 * held. */
void captures_save_quietly(struct captures *all, struct capture *c);
/* Of its store. */
void capture_path(const struct capture *c, char *path, size_t size);
/* One line to its recorder; false: it does not read.  With the lock held. */
bool capture_tell(const struct capture *c, const char *line);
/* It is to end, whenever its recorder comes to hear of it, and that is saved before; one that does not listen
 * loses its end of the line, and ends with that.  With the lock held. */
void capture_end(struct capture *c);
/* The thread: one recorder after the other, until it is to end or nothing is left to record. */
void *capture_run(void *capture);

#endif
