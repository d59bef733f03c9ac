#include "port/net.h"

#include "base/mem.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 128
};

int net_start(struct weir_error *err)
{
	(void)err;
	return 0;
}

static int fill_address(const char *address, uint16_t port, struct sockaddr_storage *to,
			socklen_t *length, struct weir_error *err)
{
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof *to);
	if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		*length = sizeof *four;
	} else if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		*length = sizeof *six;
	} else {
		return err_set(err, WEIR_ERR_USAGE, "'%s' is no IP address", address);
	}
	return 0;
}

/* The port that the kernel chose where 0 was asked for. */
static uint16_t port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = { 0 };

	socklen_t length = sizeof at;

	if (getsockname(fd, &at.any, &length))
		return 0;
	return ntohs(at.any.sa_family == AF_INET ? at.four.sin_port : at.six.sin6_port);
}

static int new_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int net_listen(const char *address, uint16_t port, const char *where, int *fd,
	       uint16_t *bound, struct weir_error *err)
{
	struct sockaddr_storage at;
	socklen_t length = 0;
	int one = 1, rc = fill_address(address, port, &at, &length, err);

	*fd = -1;
	if (rc)
		return rc;
	*fd = new_socket(at.ss_family);
	if (*fd >= 0)
		(void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (*fd >= 0 && !bind(*fd, (const struct sockaddr *)&at, length) &&
	    !listen(*fd, BACKLOG)) {
		*bound = port_of(*fd);
		return 0;
	}
	rc = err_sys(err, "cannot listen on '%s'", where);
	net_close(*fd);
	*fd = -1;
	return rc;
}

int net_connect(const char *address, uint16_t port, int *fd, struct weir_error *err)
{
	struct sockaddr_storage at;
	socklen_t length = 0;
	int rc = fill_address(address, port, &at, &length, err);

	*fd = -1;
	if (rc)
		return rc;
	*fd = new_socket(at.ss_family);
	if (*fd < 0)
		return err_sys(err, "cannot make a socket");
	if (!connect(*fd, (const struct sockaddr *)&at, length) || errno == EINPROGRESS)
		return 0;
	rc = err_sys(err, "cannot reach an agent at '%.80s port %u'", address, port);
	net_close(*fd);
	*fd = -1;
	return rc;
}

int net_connected(int fd)
{
	int error = 0;
	socklen_t n = sizeof error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) ? errno : error;
}

bool net_wait(int fd, enum net_event event, const struct port_stop *stop,
	      int64_t timeout_ns, bool *is_stopped)
{
	struct pollfd p[2] = { { .fd = fd, .events = event == NET_IN ? POLLIN : POLLOUT },
			       { .fd = stop ? stop->fd : -1, .events = POLLIN } };
	struct timespec t = { .tv_sec = timeout_ns / NS_PER_S,
			      .tv_nsec = timeout_ns % NS_PER_S };
	int n = ppoll(p, 2, timeout_ns < 0 ? NULL : &t, NULL);

	*is_stopped = n > 0 && p[1].revents;
	return n > 0 && p[0].revents;
}

ssize_t net_send(int fd, const void *bytes, size_t length)
{
	return send(fd, bytes, length, MSG_NOSIGNAL);
}

/* A child's standard error is a pipe. */
ssize_t net_receive(int fd, void *bytes, size_t length)
{
	return read(fd, bytes, length);
}

void net_end_sending(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

void net_end(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
}

void net_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void net_send_buffer(int fd, int bytes)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

bool net_peer(int fd, char *text, size_t size)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t length = sizeof peer;
	const void *from = NULL;

	if (getpeername(fd, (struct sockaddr *)&peer, &length))
		return false;
	if (peer.ss_family == AF_INET)
		from = &((const struct sockaddr_in *)&peer)->sin_addr;
	else if (peer.ss_family == AF_INET6)
		from = &((const struct sockaddr_in6 *)&peer)->sin6_addr;
	return from && inet_ntop(peer.ss_family, from, text, (socklen_t)size);
}

bool net_is_loopback(const char *address)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool net_is_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

int net_watch(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* The machine's own door. */

struct local_door {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static int name_socket(const char *path, struct sockaddr_un *at, struct weir_error *err)
{
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof at->sun_path)
		return err_set(err, WEIR_ERR_USAGE,
			       "socket '%.60s...' has a path of more than %zu bytes",
			       path, sizeof at->sun_path - 1);
	(void)snprintf(at->sun_path, sizeof at->sun_path, "%s", path);
	return 0;
}

/* Somebody answers at the socket that is there. */
static bool is_alive(const struct sockaddr_un *at)
{
	int fd = new_socket(AF_UNIX);
	bool is = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;

	net_close(fd);
	return is;
}

static int listen_at(struct local_door *d, bool for_others, struct weir_error *err)
{
	struct sockaddr_un at;
	/* The peer's credentials decide; the mode keeps those out who have no business at all. */
	mode_t mode = for_others ? 0666 : 0600;
	int rc = name_socket(d->path, &at, err);

	if (rc)
		return rc;
	if (is_alive(&at))
		return err_set(err, WEIR_ERR_BUSY, "another agent listens on '%.200s'",
			       d->path);
	(void)unlink(d->path);
	d->fd = new_socket(AF_UNIX);
	if (d->fd < 0 || bind(d->fd, (const struct sockaddr *)&at, sizeof at) ||
	    chmod(d->path, mode) || listen(d->fd, BACKLOG))
		return err_sys(err, "cannot listen on '%.200s'", d->path);
	return 0;
}

int local_door_open(struct local_door **out, const char *path, bool for_others,
		    struct weir_error *err)
{
	struct sockaddr_un at;
	struct local_door *d;
	int rc = name_socket(path, &at, err);

	*out = NULL;
	if (rc)
		return rc;
	d = mem_new(1, sizeof *d);
	if (!d)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a server");
	d->fd = -1;
	(void)snprintf(d->path, sizeof d->path, "%s", path);
	/* /run/weir is nobody's to make but ours where no service manager did. */
	if (!strncmp(path, "/run/weir/", 10))
		(void)mkdir("/run/weir", 0755);
	rc = listen_at(d, for_others, err);
	if (rc) {
		net_close(d->fd);
		mem_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

int local_door_socket(const struct local_door *d)
{
	return d->fd;
}

void local_door_close(struct local_door *d)
{
	if (!d)
		return;
	(void)unlink(d->path);
	mem_free(d);
}

size_t local_door_greeting(void)
{
	return 0;
}

bool local_door_peer(struct local_door *d, int fd, const void *greeting,
		     struct local_peer *peer)
{
	struct ucred who;
	socklen_t length = sizeof who;

	(void)d;
	(void)greeting;
	*peer = (struct local_peer){ .uid = UINT32_MAX };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length))
		return false;
	peer->uid = who.uid;
	/* Who can become the agent's user or root needs no permission of the agent. */
	peer->is_owner = who.uid == 0 || who.uid == geteuid();
	(void)snprintf(peer->name, sizeof peer->name, "uid:%u", who.uid);
	(void)snprintf(peer->address, sizeof peer->address, "uid %u pid %d", who.uid,
		       (int)who.pid);
	return true;
}

int local_connect(const char *path, int *fd, struct weir_error *err)
{
	struct sockaddr_un at;
	int rc = name_socket(path, &at, err);

	*fd = -1;
	if (rc)
		return rc;
	*fd = new_socket(AF_UNIX);
	if (*fd < 0)
		return err_sys(err, "cannot make a socket");
	if (!connect(*fd, (const struct sockaddr *)&at, sizeof at))
		return 0;
	rc = err_sys(err, "cannot reach an agent at '%.100s'", path);
	net_close(*fd);
	*fd = -1;
	return rc;
}

bool local_is_there(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

bool local_path(const char *data, char *path, size_t size)
{
	int n = snprintf(path, size, "%s/agent/agent.sock", data);

	return n > 0 && (size_t)n < size;
}
