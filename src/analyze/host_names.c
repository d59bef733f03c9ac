#include "analyze/host_names.h"

#include "analyze/recent.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "packet/dns.h"
#include "store/iface.h"

enum {
	DNS_PORT = 53,
	LOCAL_MAX = 1024 /* addresses of machines */
};

struct local_address {
	size_t source;
	struct iface_addr address;
};

/* Keys, zeroed before they are filled in. */
struct client {
	uint16_t source;
	uint8_t is_local, ip_version; /* of a local one nothing more */
	uint8_t address[16];
};

struct told_key {
	struct client client;
	uint8_t ip_version, address[16];
};

struct told {
	const char *name;
	int64_t ns;
	bool is_unasked;
};

struct asked_key {
	struct client client;
	const char *name;
	uint16_t port, id;
};

struct host_names {
	const struct merge *merge;
	struct text_pool *texts;
	struct recent *told, *asked;
	struct local_address *locals;
	unsigned local_count, iface_count; /* interfaces looked at so far */
	struct host_names_counts counts;
	struct dns_message message;
};

struct host_names *host_names_new(const struct merge *m, struct text_pool *texts)
{
	struct host_names *n = mem_new(1, sizeof *n);

	if (!n)
		return NULL;
	n->merge = m;
	n->texts = texts;
	n->told =
		recent_new(HOST_NAMES_MAX, sizeof(struct told_key), sizeof(struct told));
	n->asked = recent_new(HOST_NAMES_ASKED, sizeof(struct asked_key), 1);
	n->locals = mem_new(LOCAL_MAX, sizeof *n->locals);
	if (n->told && n->asked && n->locals)
		return n;
	host_names_free(n);
	return NULL;
}

void host_names_free(struct host_names *n)
{
	if (!n)
		return;
	recent_free(n->told);
	recent_free(n->asked);
	mem_free(n->locals);
	mem_free(n);
}

void host_names_count(const struct host_names *n, struct host_names_counts *counts)
{
	*counts = n->counts;
	counts->gone = recent_gone_count(n->told);
}

/* Takes in the addresses of interfaces that were described since the last time. */
static void learn_locals(struct host_names *n)
{
	for (; n->iface_count < merge_iface_count(n->merge); n->iface_count++) {
		const struct iface_info *info = merge_iface(n->merge, n->iface_count);
		size_t source = merge_iface_source(n->merge, n->iface_count);

		for (unsigned i = 0; i < info->addr_count; i++)
			if (n->local_count < LOCAL_MAX)
				n->locals[n->local_count++] =
					(struct local_address){ source, info->addrs[i] };
	}
}

static bool is_loopback(unsigned ip_version, const uint8_t *address)
{
	static const uint8_t one[16] = { [15] = 1 };

	return ip_version == 4 ? address[0] == 127 : !memcmp(address, one, sizeof one);
}

static bool is_local(struct host_names *n, size_t source, unsigned ip_version,
		     const uint8_t *address)
{
	size_t bytes = ip_version == 4 ? 4 : 16;

	if (is_loopback(ip_version, address))
		return true;
	learn_locals(n);
	for (unsigned i = 0; i < n->local_count; i++) {
		const struct local_address *l = &n->locals[i];

		if (l->source == source && l->address.family == ip_version &&
		    !memcmp(l->address.bytes, address, bytes))
			return true;
	}
	return false;
}

static void make_client(struct host_names *n, struct client *c, size_t source,
			unsigned ip_version, const uint8_t *address)
{
	memset(c, 0, sizeof *c);
	c->source = (uint16_t)source;
	c->is_local = is_local(n, source, ip_version, address);
	if (c->is_local)
		return;
	c->ip_version = (uint8_t)ip_version;
	memcpy(c->address, address, ip_version == 4 ? 4 : 16);
}

static void make_told_key(struct told_key *key, const struct client *client,
			  unsigned ip_version, const uint8_t *address)
{
	memset(key, 0, sizeof *key);
	key->client = *client;
	key->ip_version = (uint8_t)ip_version;
	memcpy(key->address, address, ip_version == 4 ? 4 : 16);
}

static void tell(struct host_names *n, const struct told_key *key, const char *name,
		 int64_t ns, bool is_unasked)
{
	struct told *known = recent_find(n->told, key);

	n->counts.answers++;
	n->counts.unasked += is_unasked;
	if (known && is_unasked && !known->is_unasked)
		return;
	known = recent_add(n->told, key);
	*known = (struct told){ .name = name, .ns = ns, .is_unasked = is_unasked };
}

/* The answer stays asked for: it may be seen on a second interface. */
static void take_answer(struct host_names *n, const struct asked_key *asked, int64_t ns)
{
	bool is_unasked = !recent_find(n->asked, asked);
	struct told_key key;

	for (unsigned i = 0; i < n->message.address_count; i++) {
		const struct dns_address *a = &n->message.addresses[i];

		make_told_key(&key, &asked->client, a->ip_version, a->bytes);
		tell(n, &key, asked->name, ns, is_unasked);
	}
}

static void take_message(struct host_names *n, const struct packet *p,
			 const struct headers *h, size_t source)
{
	bool is_answer = n->message.is_response;
	struct asked_key key;

	if (n->message.opcode || !n->message.name_length ||
	    (is_answer ? h->src_port : h->dst_port) != DNS_PORT)
		return;
	if (is_answer && !n->message.address_count)
		return;
	memset(&key, 0, sizeof key);
	make_client(n, &key.client, source, h->ip_version, is_answer ? h->dst : h->src);
	key.name = text_pool_keep(n->texts, n->message.name, n->message.name_length);
	key.port = is_answer ? h->dst_port : h->src_port;
	key.id = n->message.id;
	if (!key.name)
		n->counts.lost++;
	else if (is_answer)
		take_answer(n, &key, p->ns);
	else
		(void)recent_add(n->asked, &key);
}

/* Several may lie in a segment; one that is cut, and what is behind it, is not read. */
static void take_stream(struct host_names *n, const struct packet *p,
			const struct headers *h, struct cursor *c, size_t source)
{
	while (cur_left(c)) {
		uint16_t length = cur_u16be(c);
		const uint8_t *bytes = cur_bytes(c, length);

		if (c->is_bad)
			return;
		if (dns_read(&n->message, bytes, length))
			take_message(n, p, h, source);
	}
}

void host_names_packet(struct host_names *n, const struct packet *p,
		       const struct headers *h, size_t source)
{
	struct cursor c;
	size_t length;

	if (!h->has_ports || (h->src_port != DNS_PORT && h->dst_port != DNS_PORT) ||
	    h->is_malformed || h->payload_off >= p->caplen)
		return;
	length = p->caplen - h->payload_off;
	if (length > h->payload_bytes)
		length = h->payload_bytes;
	cur_init(&c, p->data + h->payload_off, length);
	if (h->protocol == PROTOCOL_TCP)
		take_stream(n, p, h, &c, source);
	else if (h->protocol == PROTOCOL_UDP && dns_read(&n->message, c.at, length))
		take_message(n, p, h, source);
}

bool host_names_find(struct host_names *n, const struct host_question *q,
		     struct flow_name *name)
{
	struct client client;
	struct told_key key;
	const struct told *told;

	make_client(n, &client, q->source, q->ip_version, q->client);
	make_told_key(&key, &client, q->ip_version, q->address);
	told = recent_find(n->told, &key);
	if (!told)
		return false;
	memset(name, 0, sizeof *name);
	name->text = told->name;
	name->ns = told->ns;
	name->from = FLOW_NAME_DNS;
	name->is_unasked = told->is_unasked;
	return true;
}
