/* What weir asks of the operating system.  One implementation a system: port/linux/,
 * port/windows/; no other folder asks which system this is.
 *
 * Conventions: 0 or a negative enum weir_err; times in ns; sizes in bytes; paths are bytes. */
#ifndef WEIR_PORT_PORT_H
#define WEIR_PORT_PORT_H

#include "base/compiler.h"
#include "weir/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clocks.  port_realtime_ns() can step; port_monotonic_ns() cannot, and does not count suspend;
 * port_boottime_ns() does. */
int64_t port_realtime_ns(void);
int64_t port_monotonic_ns(void);
int64_t port_boottime_ns(void);

/* All clocks read together, for the manifest's clock record. */
struct port_clocks {
	int64_t realtime_ns, monotonic_ns, boottime_ns;
	bool is_synchronised; /* the kernel believes that it is disciplined (adjtimex) */
	int64_t offset_ns; /* its estimate of the present offset, and of the largest error */
	int64_t max_error_ns;
	char zone[64]; /* information only */
};

void port_clocks(struct port_clocks *clocks);

/* Who and where: strings are empty where the system has none. */
struct port_identity {
	char host[256], machine_id[64], boot_id[64], os[256], kernel[256], hardware[128];
	char executable[1024], executable_sha256[65];
	uint32_t uid, pid, cpu_count;
	uint64_t memory_bytes;
};

void port_identity(
	struct port_identity *id); /* executable_sha256 stays empty: it takes time */
void port_identity_hash(struct port_identity *id);
/* What programs could still have without others' being swapped out or ended; 0: not known. */
uint64_t port_memory_available(void);

/* Threads.  A thread is joined exactly once. */
struct port_thread;
int port_thread_start(struct port_thread **t, const char *name, void *(*run)(void *),
		      void *arg, struct weir_error *err) MUST_CHECK;
void port_thread_join(struct port_thread *t);
/* From now on the calling thread runs when no other wants to, and its reads wait for others'. */
void port_thread_lower(void);

/* A mutex with one condition; for the cold paths only.  wait returns false on time-out. */
struct port_monitor;
struct port_monitor *port_monitor_new(void) MUST_CHECK;
void port_monitor_free(struct port_monitor *m);
void port_monitor_lock(struct port_monitor *m);
void port_monitor_unlock(struct port_monitor *m);
void port_monitor_signal(struct port_monitor *m);
bool port_monitor_wait(struct port_monitor *m, int64_t timeout_ns);

/* A wake-up that another thread or a signal handler may give, and that poll() can wait for.
 * port_event_set() is async-signal-safe and idempotent; clear takes it back. */
struct port_event {
	int fd;       /* Linux: an eventfd */
	void *handle; /* Windows: an event; fd is -1 */
};

int port_event_init(struct port_event *e, struct weir_error *err) MUST_CHECK;
void port_event_fini(struct port_event *e);
void port_event_set(const struct port_event *e);
void port_event_clear(const struct port_event *e);
/* True when it was set before timeout_ns passed (0: only look, negative: for ever). */
bool port_event_wait(const struct port_event *e, int64_t timeout_ns);

/* Requests to stop: Ctrl-C, terminate, hang-up (Windows: the console's events, service stop).
 * One instance a process, made before any thread.  They interrupt nothing: they are waited for. */
struct port_stop {
	int fd;
};

enum port_wake {
	PORT_WAKE_NOTHING = 0,   /* the time is over */
	PORT_WAKE_INTERRUPT = 1, /* Ctrl-C */
	PORT_WAKE_TERMINATE = 2, /* a polite request to end */
	PORT_WAKE_EVENT = 4,     /* the given event is set (it is not cleared) */
	PORT_WAKE_DESCRIPTOR =
		8, /* the given descriptor is readable or its other end is gone */
};

/* with_interrupt false: Ctrl-C is ignored (somebody else hears it and passes it on). */
int port_stop_init(struct port_stop *s, bool with_interrupt,
		   struct weir_error *err) MUST_CHECK;
void port_stop_fini(struct port_stop *s);
/* From now on the next request ends the process at once, wherever it hangs. */
void port_stop_next_kills(struct port_stop *s);
/* Waits for any of them; event may be NULL, descriptor -1.  Returns a set of enum port_wake. */
unsigned port_stop_wait(const struct port_stop *s, const struct port_event *event,
			int descriptor, int64_t timeout_ns);
/* A socket that becomes readable with the first request, for an event loop, which then asks
 * port_stop_wait() what it was; it is the stop's, and goes with it.  After net_start(). */
int port_stop_socket(struct port_stop *s, int *fd, struct weir_error *err) MUST_CHECK;
/* Writing where nobody reads any more is an error, and ends nothing. */
void port_ignore_pipe(void);
/* Ends the process at once: no destructor, no flush.  What is on disk stays repairable. */
void port_exit_now(int code) NO_RETURN;

/* A descriptor of a file to be made (never an existing one), or of an existing pipe or device;
 * "-" is standard output. */
int port_output_open(const char *path, int *fd, struct weir_error *err) MUST_CHECK;
bool port_is_terminal(int fd);
/* Where the program was started without standard input, output or error, their numbers are taken,
 * so that no file of a store gets one and has messages written into it.  Reading or writing them
 * still fails.  Called first of all. */
void port_standard_guard(void);

/* Zeroed pages, touched so that no later access faults.  Returns NULL when there are none.
 * The memory starts at a page boundary. */
void *port_pages_new(size_t bytes) MUST_CHECK;
/* The same, but shared with children made by fork(). */
void *port_shared_new(size_t bytes) MUST_CHECK;
void port_pages_free(void *p, size_t bytes);

/* Free space of the file system that holds the open directory. */
int port_disk_free(int dir_fd, uint64_t *bytes) MUST_CHECK;

/* Whether writes past the page cache (O_DIRECT) of whole `alignment` bytes have a meaning on the file's
 * system. */
bool port_takes_pages(int fd, size_t alignment);

/* Privileges.  port_drop() keeps `keep` (names without "cap_": "net_raw,net_admin"), becomes the
 * user and group, forbids regaining (no_new_privs), and checks that it worked. */
struct port_user {
	uint32_t uid, gid;
	char name[64];
};

/* Looks a name or a number up in /etc/passwd itself: a static binary has no name service. */
int port_user_find(const char *name, struct port_user *user,
		   struct weir_error *err) MUST_CHECK;
bool port_have_capability(const char *name);
/* The error of a recorder that lacks it, with what to do; returns its code. */
int port_lacks_capability(const char *name, struct weir_error *err);
int port_drop(const struct port_user *user, const char *keep,
	      struct weir_error *err) MUST_CHECK;
/* The effective capabilities as text, "net_raw" or "": for the manifest.  On Windows "administrator", where it is one,
 * and what it has turned on of SeBackupPrivilege and SeDebugPrivilege. */
void port_privileges(char *text, size_t size);

#endif
