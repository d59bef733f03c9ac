/* TCP sockets, and the machine's own door: a Unix socket, or a named pipe of Windows.
 *
 * A socket is an int, non-blocking, not inherited, and no file: only net_close() closes it, and what
 * this header has reads and writes it.  (A SOCKET of Windows fits: libssl relies on it too.)
 *
 * Calling sequence: net_start() once a process, before anything else here; then, for a server,
 * net_listen() or local_door_open(), whose sockets an event loop accepts from; for a client,
 * net_connect() or local_connect(), then net_wait(), net_send(), net_receive(); net_close().
 *
 * The machine's own door.  On Linux it is a Unix socket, and who connects is what the kernel says of
 * the peer.  On Windows it is a named pipe, which no event loop waits for: a thread takes each client,
 * asks Windows who it is, and carries its bytes to a loopback socket that the loop accepts from.
 * Anybody on the machine could connect to that one, so the thread's first bytes are a secret of one
 * use (local_door_greeting() bytes), by which local_door_peer() knows the client it was given to.
 *
 * Errors: negative enum weir_err; net_send() and net_receive() say -1 with errno, EAGAIN where they
 * would wait.  Threads: any; a socket belongs to one. */
#ifndef WEIR_PORT_NET_H
#define WEIR_PORT_NET_H

#include "port/port.h"

enum net_event {
	NET_IN = 1,
	NET_OUT = 2
};

int net_start(struct weir_error *err) MUST_CHECK;
/* An IP address as text.  *bound: the port, chosen where 0 was asked for. */
int net_listen(const char *address, uint16_t port, const char *where, int *fd,
	       uint16_t *bound, struct weir_error *err) MUST_CHECK;
/* May not be done when it returns: wait for NET_OUT, then net_connected(). */
int net_connect(const char *address, uint16_t port, int *fd,
		struct weir_error *err) MUST_CHECK;
/* 0, or the errno of what went wrong. */
int net_connected(int fd);
/* Whether the event was there before the time was over (negative: for ever); *is_stopped where a
 * request to stop came first.  stop may be NULL. */
bool net_wait(int fd, enum net_event event, const struct port_stop *stop,
	      int64_t timeout_ns, bool *is_stopped);
ssize_t net_send(int fd, const void *bytes, size_t length);
ssize_t net_receive(int fd, void *bytes, size_t length);
/* Nothing more will be sent; or, both ways, nothing at all. */
void net_end_sending(int fd);
void net_end(int fd);
void net_close(int fd);
void net_send_buffer(int fd, int bytes);
/* The peer's IP address as text; false where there is none. */
bool net_peer(int fd, char *text, size_t size);
bool net_is_loopback(const char *address);
/* The peer has closed the connection or has gone, whatever it sent before. */
bool net_is_gone(int fd);
/* A copy of the socket that an event loop may wait on for the peer's going beside the socket itself,
 * edge-triggered; -1 where that is not to be had: then somebody has to ask net_is_gone(). */
int net_watch(int fd);

/* The machine's own door. */

struct local_peer {
	bool is_owner; /* may do everything to this machine anyway */
	uint32_t uid;  /* UINT32_MAX: unknown, or no number */
	char name[80]; /* "uid:0", "sid:S-1-5-18" */
	char address[64];
};

struct local_door;

/* for_others: not only for the machine's administrators and our own user. */
int local_door_open(struct local_door **d, const char *path, bool for_others,
		    struct weir_error *err) MUST_CHECK;
/* The listening socket: whoever takes it into a server leaves closing to that. */
int local_door_socket(const struct local_door *d);
/* Takes the name away. */
void local_door_close(struct local_door *d);
size_t local_door_greeting(void);
/* The client at the other end; false: nobody who came through this door. */
bool local_door_peer(struct local_door *d, int fd, const void *greeting,
		     struct local_peer *peer);
/* Blocks until it is done or has failed. */
int local_connect(const char *path, int *fd, struct weir_error *err) MUST_CHECK;
/* Whether there is a door of this name. */
bool local_is_there(const char *path);
/* The usual name for an agent's data directory; false where it is too long. */
bool local_path(const char *data, char *path, size_t size);

#endif
