/* Sockets are those of Winsock, as ints: its numbers are handles, of which 32 bits count. */
#include "port/windows/net.h"

#include "base/time.h"

#include <errno.h>
#include <stdio.h>

enum {
	BACKLOG = 128,
	SLICE_MS = 50 /* between two looks for a request to stop */
};

static SOCKET socket_of(int fd)
{
	return fd < 0 ? INVALID_SOCKET : (SOCKET)(unsigned)fd;
}

/* errno from WSAGetLastError(); returns -1. */
static int fail(void)
{
	int error = WSAGetLastError();

	errno = error == WSAEWOULDBLOCK ? EAGAIN : win_errno((DWORD)error);
	return -1;
}

int net_start(struct weir_error *err)
{
	WSADATA data;
	int error = WSAStartup(MAKEWORD(2, 2), &data);

	return error ? err_set(err, WEIR_ERR_SYSTEM, "no Winsock: error %d", error) : 0;
}

static int fill_address(const char *address, uint16_t port, struct sockaddr_storage *to,
			int *length, struct weir_error *err)
{
	struct sockaddr_in *four = (struct sockaddr_in *)to;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof *to);
	if (weir_inet_pton(AF_INET, address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		*length = sizeof *four;
	} else if (weir_inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		*length = sizeof *six;
	} else {
		return err_set(err, WEIR_ERR_USAGE, "'%s' is no IP address", address);
	}
	return 0;
}

static uint16_t port_of(SOCKET s)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = { 0 };

	int length = sizeof at;

	if (getsockname(s, &at.any, &length))
		return 0;
	return ntohs(at.any.sa_family == AF_INET ? at.four.sin_port : at.six.sin6_port);
}

static SOCKET new_socket(int family)
{
	return WSASocketW(family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
			  WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

void net_unblock(SOCKET s)
{
	u_long one = 1;

	(void)ioctlsocket(s, (long)FIONBIO, &one);
}

/* Without it another program could listen on the same address, and take what is meant for us. */
static bool bind_alone(SOCKET s, const struct sockaddr_storage *at, int length)
{
	BOOL one = TRUE;

	(void)setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&one,
			 sizeof one);
	return !bind(s, (const struct sockaddr *)at, length);
}

int net_listen(const char *address, uint16_t port, const char *where, int *fd,
	       uint16_t *bound, struct weir_error *err)
{
	struct sockaddr_storage at;
	SOCKET s;
	int length, rc = fill_address(address, port, &at, &length, err);

	*fd = -1;
	if (rc)
		return rc;
	s = new_socket(at.ss_family);
	if (s != INVALID_SOCKET && bind_alone(s, &at, length) && !listen(s, BACKLOG)) {
		net_unblock(s);
		*bound = port_of(s);
		*fd = (int)s;
		return 0;
	}
	(void)fail();
	rc = err_sys(err, "cannot listen on '%s'", where);
	if (s != INVALID_SOCKET)
		(void)closesocket(s);
	return rc;
}

int net_connect(const char *address, uint16_t port, int *fd, struct weir_error *err)
{
	struct sockaddr_storage at;
	SOCKET s;
	int length, rc = fill_address(address, port, &at, &length, err);

	*fd = -1;
	if (rc)
		return rc;
	s = new_socket(at.ss_family);
	if (s == INVALID_SOCKET) {
		(void)fail();
		return err_sys(err, "cannot make a socket");
	}
	net_unblock(s);
	if (!connect(s, (const struct sockaddr *)&at, length) ||
	    WSAGetLastError() == WSAEWOULDBLOCK) {
		*fd = (int)s;
		return 0;
	}
	(void)fail();
	rc = err_sys(err, "cannot reach an agent at '%.80s port %u'", address, port);
	(void)closesocket(s);
	return rc;
}

int net_connected(int fd)
{
	int error = 0, n = sizeof error;

	if (getsockopt(socket_of(fd), SOL_SOCKET, SO_ERROR, (char *)&error, &n)) {
		(void)fail();
		return errno;
	}
	return error ? win_errno((DWORD)error) : 0;
}

/* A connection that is refused shows as POLLERR or POLLHUP: then the caller's next call says so. */
static bool look(int fd, enum net_event event, int timeout_ms)
{
	WSAPOLLFD p = { .fd = socket_of(fd),
			.events = event == NET_IN ? POLLRDNORM : POLLWRNORM };

	return WSAPoll(&p, 1, timeout_ms) != 0;
}

bool net_wait(int fd, enum net_event event, const struct port_stop *stop,
	      int64_t timeout_ns, bool *is_stopped)
{
	int64_t until = port_monotonic_ns() + timeout_ns;

	*is_stopped = false;
	for (;;) {
		int64_t left_ms =
			(until - port_monotonic_ns() + NS_PER_MS - 1) / NS_PER_MS;
		int slice =
			timeout_ns < 0 || left_ms > SLICE_MS ? SLICE_MS : (int)left_ms;

		if (look(fd, event, slice < 0 ? 0 : slice))
			return true;
		*is_stopped = stop && port_stop_wait(stop, NULL, -1, 0);
		if (*is_stopped || (timeout_ns >= 0 && left_ms <= 0))
			return false;
	}
}

static int chunk_of(size_t length)
{
	return length > 1U << 30 ? 1 << 30 : (int)length;
}

ssize_t net_send(int fd, const void *bytes, size_t length)
{
	int n = send(socket_of(fd), bytes, chunk_of(length), 0);

	return n < 0 ? fail() : n;
}

ssize_t net_receive(int fd, void *bytes, size_t length)
{
	int n = recv(socket_of(fd), bytes, chunk_of(length), 0);

	return n < 0 ? fail() : n;
}

bool net_write_all(SOCKET s, const char *bytes, size_t length)
{
	while (length) {
		int n = send(s, bytes, chunk_of(length), 0);

		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

void net_end_sending(int fd)
{
	(void)shutdown(socket_of(fd), SD_SEND);
}

void net_end(int fd)
{
	(void)shutdown(socket_of(fd), SD_BOTH);
}

void net_close(int fd)
{
	if (fd >= 0)
		(void)closesocket(socket_of(fd));
}

void net_send_buffer(int fd, int bytes)
{
	(void)setsockopt(socket_of(fd), SOL_SOCKET, SO_SNDBUF, (const char *)&bytes,
			 sizeof bytes);
}

bool net_peer(int fd, char *text, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = { 0 };

	int length = sizeof at;

	if (getpeername(socket_of(fd), &at.any, &length))
		return false;
	return weir_inet_ntop(at.any.sa_family,
			      at.any.sa_family == AF_INET ? (void *)&at.four.sin_addr
							  : (void *)&at.six.sin6_addr,
			      text, size) != NULL;
}

bool net_is_loopback(const char *address)
{
	static const uint8_t one[16] = { [15] = 1 };
	uint8_t bytes[16];

	if (weir_inet_pton(AF_INET, address, bytes) == 1)
		return bytes[0] == 127;
	return weir_inet_pton(AF_INET6, address, bytes) == 1 &&
	       !memcmp(bytes, one, sizeof one);
}

/* The end of what it sent, where nothing is unread; a reset always. */
bool net_is_gone(int fd)
{
	WSAPOLLFD p = { .fd = socket_of(fd), .events = POLLRDNORM };
	char byte;

	if (WSAPoll(&p, 1, 0) <= 0)
		return false;
	if (p.revents & (POLLHUP | POLLERR | POLLNVAL))
		return true;
	return p.revents & POLLRDNORM && recv(socket_of(fd), &byte, 1, MSG_PEEK) == 0;
}

int net_watch(int fd)
{
	(void)fd;
	return -1;
}

/* Two sockets. */

static SOCKET listen_once(struct sockaddr_in *at)
{
	SOCKET s = new_socket(AF_INET);
	int length = sizeof *at;

	*at = (struct sockaddr_in){ .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (s == INVALID_SOCKET)
		return s;
	if (!bind(s, (struct sockaddr *)at, sizeof *at) && !listen(s, 1) &&
	    !getsockname(s, (struct sockaddr *)at, &length))
		return s;
	(void)closesocket(s);
	return INVALID_SOCKET;
}

/* Whoever else connected meanwhile is not ours. */
static SOCKET accept_from(SOCKET listener, SOCKET ours)
{
	for (unsigned i = 0; i < 64; i++) {
		struct sockaddr_in from, own;
		int n = sizeof from, m = sizeof own;
		SOCKET s = accept(listener, (struct sockaddr *)&from, &n);

		if (s == INVALID_SOCKET)
			return s;
		if (!getsockname(ours, (struct sockaddr *)&own, &m) &&
		    own.sin_port == from.sin_port &&
		    own.sin_addr.s_addr == from.sin_addr.s_addr)
			return s;
		(void)closesocket(s);
	}
	return INVALID_SOCKET;
}

int net_pair(SOCKET ends[2], struct weir_error *err)
{
	struct sockaddr_in at;
	SOCKET listener = listen_once(&at);

	ends[0] = new_socket(AF_INET);
	ends[1] = INVALID_SOCKET;
	if (listener != INVALID_SOCKET && ends[0] != INVALID_SOCKET &&
	    !connect(ends[0], (struct sockaddr *)&at, sizeof at))
		ends[1] = accept_from(listener, ends[0]);
	if (ends[1] == INVALID_SOCKET)
		(void)fail();
	if (listener != INVALID_SOCKET)
		(void)closesocket(listener);
	if (ends[1] != INVALID_SOCKET) {
		/* An accepted socket would be inherited like any handle. */
		(void)SetHandleInformation((HANDLE)ends[1], HANDLE_FLAG_INHERIT, 0);
		return 0;
	}
	if (ends[0] != INVALID_SOCKET)
		(void)closesocket(ends[0]);
	return err_sys(err, "cannot make a pair of sockets");
}
