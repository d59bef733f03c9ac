#include "agent/client.h"

#include "agent/tls.h"
#include "base/mem.h"
#include "base/time.h"
#include "port/net.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

enum {
	HEAD_MAX = 1024,
	PIECE = 64 * 1024,
	TRIES = 3,
};

struct client {
	const struct port_stop *stop;
	const struct client_target *target; /* while opening */
	struct tls tls;
	SSL *ssl; /* NULL at the machine's own door */
	int fd;
	int64_t until_ns; /* of what is going on; INT64_MAX: none */
	struct pin pin;
	bool is_stopped, is_stranger;
	char piece[PIECE];
};

static bool accept_agent(void *data, const struct pin *pin)
{
	struct client *c = data;

	if (!pin)
		return false;
	c->pin = *pin;
	c->is_stranger =
		CRYPTO_memcmp(pin->bytes, c->target->pin, c->target->pin_bytes) != 0;
	return !c->is_stranger;
}

/* Until the socket is ready; a stop or the end of the time are errors. */
static int wait_ready(struct client *c, enum net_event event, struct weir_error *err)
{
	int64_t left = c->until_ns == INT64_MAX ? -1 : c->until_ns - port_monotonic_ns();

	if (c->until_ns != INT64_MAX && left <= 0)
		return err_set(err, WEIR_ERR_SYSTEM, "the agent does not answer in time");
	/* The caller tries again, and comes back here. */
	(void)net_wait(c->fd, event, c->stop, left, &c->is_stopped);
	return c->is_stopped ? err_set(err, WEIR_ERR_CLOSED, "stopped") : 0;
}

static int fail_tls(struct client *c, struct weir_error *err)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = ERR_reason_error_string(code);

	if (c->is_stranger)
		return err_set(err, WEIR_ERR_MISMATCH,
			       "the agent that answers has another key than the one that "
			       "was paired");
	ERR_clear_error();
	/* Under TLS 1.3 a refused key shows at the first read. */
	if (code && ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET)
		return err_set(
			err, WEIR_ERR_PRIVILEGE,
			"the agent does not take this key: it is not paired, or was "
			"revoked (%s)",
			why ? why : "alert");
	return err_set(err, WEIR_ERR_CLOSED, "the connection to the agent broke: %s",
		       why ? why : "closed");
}

/* What to wait for after a call of libssl; negative: it is over. */
static int after_ssl(struct client *c, int n, struct weir_error *err)
{
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		return wait_ready(c, NET_IN, err);
	case SSL_ERROR_WANT_WRITE:
		return wait_ready(c, NET_OUT, err);
	default:
		return fail_tls(c, err);
	}
}

static int shake_hands(struct client *c, const struct keypair *key,
		       struct weir_error *err)
{
	int rc = tls_init(&c->tls, false, key, accept_agent, err), n;

	if (rc)
		return rc;
	c->ssl = tls_attach(&c->tls, c);
	if (!c->ssl || !SSL_set_fd(c->ssl, c->fd))
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a connection");
	while (!rc && (n = SSL_connect(c->ssl)) != 1)
		rc = after_ssl(c, n, err);
	return rc;
}

/* A connection that is not made yet has no error either: only the socket's readiness tells. */
static int connect_tcp(struct client *c, const struct client_target *t,
		       struct weir_error *err)
{
	bool is_ready = false;
	int rc = net_connect(t->address, t->port, &c->fd, err);

	while (!rc && !is_ready) {
		int64_t left = c->until_ns - port_monotonic_ns();

		if (left <= 0)
			return err_set(err, WEIR_ERR_SYSTEM,
				       "the agent does not answer in time");
		is_ready = net_wait(c->fd, NET_OUT, c->stop, left, &c->is_stopped);
		if (c->is_stopped)
			return err_set(err, WEIR_ERR_CLOSED, "stopped");
	}
	if (rc)
		return rc;
	errno = net_connected(c->fd);
	if (errno)
		return err_sys(err, "cannot reach an agent at '%.80s port %u'",
			       t->address, t->port);
	return shake_hands(c, t->key, err);
}

static void disconnect(struct client *c)
{
	if (c->ssl) {
		(void)SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	c->ssl = NULL;
	tls_fini(&c->tls);
	net_close(c->fd);
	c->fd = -1;
}

/* Until the hands are shaken nothing was asked, so it may be tried again: a door under a flood may have
 * taken us for one of those who never say who they are. */
static int connect_agent(struct client *c, const struct client_target *t,
			 struct weir_error *err)
{
	int rc = connect_tcp(c, t, err);

	for (int i = 1; i < TRIES && rc == WEIR_ERR_CLOSED && !c->is_stopped; i++) {
		disconnect(c);
		rc = connect_tcp(c, t, err);
	}
	return rc;
}

int client_open(struct client **out, const struct client_target *target,
		const struct port_stop *stop, struct weir_error *err)
{
	struct client *c = mem_new(1, sizeof *c);
	int rc;

	*out = NULL;
	if (!c)
		return err_set(err, WEIR_ERR_NO_MEMORY, "no memory for a connection");
	c->fd = -1;
	c->stop = stop;
	c->target = target;
	c->until_ns = port_monotonic_ns() + target->connect_ns;
	rc = target->socket ? local_connect(target->socket, &c->fd, err)
			    : connect_agent(c, target, err);
	c->target = NULL;
	c->until_ns = INT64_MAX;
	if (rc)
		client_close(c);
	else
		*out = c;
	return rc;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	disconnect(c);
	mem_free(c);
}

static int send_all(struct client *c, const char *bytes, size_t length,
		    struct weir_error *err)
{
	int rc = 0;

	while (!rc && length) {
		ssize_t n;

		if (c->ssl) {
			n = SSL_write(c->ssl, bytes,
				      length > PIECE ? PIECE : (int)length);
			if (n <= 0)
				rc = after_ssl(c, (int)n, err);
		} else {
			n = net_send(c->fd, bytes, length);
			if (n < 0 && errno == EAGAIN)
				rc = wait_ready(c, NET_OUT, err);
			else if (n < 0)
				rc = err_sys(err, "cannot send to the agent");
		}
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	return rc;
}

/* *got 0 is the end of the stream. */
static int receive_some(struct client *c, size_t *got, struct weir_error *err)
{
	for (;;) {
		ssize_t n = c->ssl ? SSL_read(c->ssl, c->piece, PIECE)
				   : net_receive(c->fd, c->piece, PIECE);
		int rc = 0;

		*got = n > 0 ? (size_t)n : 0;
		if (n > 0)
			return 0;
		if (c->ssl) {
			if (SSL_get_error(c->ssl, (int)n) == SSL_ERROR_ZERO_RETURN)
				return 0;
			rc = after_ssl(c, (int)n, err);
		} else if (!n) {
			return 0;
		} else if (errno == EAGAIN) {
			rc = wait_ready(c, NET_IN, err);
		} else {
			rc = err_sys(err, "cannot read from the agent");
		}
		if (rc)
			return rc;
	}
}

static int send_request(struct client *c, const struct client_request *r,
			struct weir_error *err)
{
	size_t length = r->body ? strlen(r->body) : 0;
	char head[HEAD_MAX], extra[200] = "";
	int n;

	if (r->session)
		(void)snprintf(extra, sizeof extra, "Weir-Session: %.100s\r\n",
			       r->session);
	n = snprintf(head, sizeof head,
		     "%s %s HTTP/1.1\r\nHost: weir\r\n%sContent-Length: %zu\r\n\r\n",
		     r->is_post ? "POST" : "GET", r->target, extra, length);
	if (n <= 0 || n >= HEAD_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "the request is longer than %d bytes",
			       HEAD_MAX);
	n = send_all(c, head, (size_t)n, err);
	return n || !length ? n : send_all(c, r->body, length, err);
}

struct asked {
	const struct client_request *request;
	struct http_reader reader;
};

static int on_body(void *data, const char *bytes, size_t length)
{
	const struct asked *a = data;

	return a->request->piece(a->request->data, a->reader.status, bytes, length);
}

int client_ask(struct client *c, const struct client_request *request, int *status,
	       struct weir_error *err)
{
	struct asked a = { .request = request };
	struct http_reader *reader = &a.reader;
	int rc = send_request(c, request, err);

	*status = 0;
	http_reader_init(reader, on_body, &a);
	while (!rc && !http_reader_is_done(reader)) {
		size_t got = 0, used;

		rc = receive_some(c, &got, err);
		if (!rc && !got) {
			rc = http_reader_end(reader, err);
			break;
		}
		if (!rc)
			rc = http_reader_feed(reader, c->piece, got, &used, err);
	}
	*status = reader->status;
	return rc;
}

bool client_is_stopped(const struct client *c)
{
	return c->is_stopped;
}

const struct pin *client_pin(const struct client *c)
{
	return &c->pin;
}
