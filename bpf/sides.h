/* Whom a socket without a connection sends to: told once for each, by what its packets say. */
#ifndef WEIR_BPF_SIDES_H
#define WEIR_BPF_SIDES_H

#include "kernel.h"
#include "tell.h"
#include "users.h"

#include "process/event.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
};

/* Of sockets without a connection: the remote sides that were told, and with which user. */
struct side {
	__u64 cookie;
	__u8 remote[16];
	__u16 port, zero[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct side);
	__type(value, __u64);
} told SEC(".maps");

/* What a packet of a socket without a connection says itself. */
struct sides {
	__u8 family, protocol;
	__u16 local_port, remote_port;
	__u8 local[16], remote[16];
};

static __always_inline int read_ports(struct __sk_buff *skb, struct sides *s, __u32 at)
{
	struct {
		__be16 source, target;
	} ports;

	struct {
		__u8 type, code;
		__be16 sum, id;
	} echo;

	s->local_port = s->remote_port = 0;
	if (s->protocol == PROTOCOL_UDP) {
		if (bpf_skb_load_bytes(skb, at, &ports, sizeof ports))
			return -1;
		s->local_port = bpf_ntohs(ports.source);
		s->remote_port = bpf_ntohs(ports.target);
	} else if (s->protocol == PROTOCOL_ICMP || s->protocol == PROTOCOL_ICMPV6) {
		if (bpf_skb_load_bytes(skb, at, &echo, sizeof echo))
			return -1;
		s->local_port = bpf_ntohs(echo.id);
	}
	return 0;
}

static __always_inline int read_sides(struct __sk_buff *skb, struct sides *s)
{
	struct {
		__u8 version, tos;
		__be16 length, id, fragment;
		__u8 ttl, protocol;
		__be16 sum;
		__be32 source, target;
	} four;

	struct {
		__be32 flow;
		__be16 length;
		__u8 next, hops;
		__u8 source[16], target[16];
	} six;

	if (bpf_skb_load_bytes(skb, 0, &four, sizeof four))
		return -1;
	if (four.version >> 4 == 4) {
		if (four.fragment & bpf_htons(0x1fff))
			return -1;
		s->family = 4;
		s->protocol = four.protocol;
		put_ipv4(s->local, four.source);
		put_ipv4(s->remote, four.target);
		return read_ports(skb, s, (four.version & 15U) * 4);
	}
	if (bpf_skb_load_bytes(skb, 0, &six, sizeof six))
		return -1;
	s->family = 6;
	s->protocol = six.next;
	__builtin_memcpy(s->local, six.source, 16);
	__builtin_memcpy(s->remote, six.target, 16);
	return read_ports(skb, s, sizeof six);
}

static __always_inline _Bool is_last_remote(const struct known *k, const struct sides *s)
{
	const __u64 *a = (const __u64 *)k->remote, *b = (const __u64 *)s->remote;

	return k->is_told && k->remote_port == s->remote_port &&
	       k->local_port == s->local_port && a[0] == b[0] && a[1] == b[1];
}

/* Whether this remote side has been told with this user; notes it. */
static __always_inline _Bool was_told(__u64 cookie, const struct known *k,
				      const struct sides *s)
{
	__u64 user = (__u64)k->pid << 32 | s->local_port;
	struct side side = { .cookie = cookie, .port = s->remote_port };
	__u64 *before;

	__builtin_memcpy(side.remote, s->remote, 16);
	before = bpf_map_lookup_elem(&told, &side);
	if (before && *before == user)
		return 1;
	bpf_map_update_elem(&told, &side, &user, BPF_ANY);
	return 0;
}

/* An IPv4 datagram between the sides that were told last: most are, and that is seen in its header. */
static __always_inline _Bool is_same_again(struct __sk_buff *skb, const struct known *k)
{
	const __u8 *at = (const __u8 *)(long)skb->data;
	const __u8 *end = (const __u8 *)(long)skb->data_end;
	const __u32 *remote = (const __u32 *)k->remote;

	if (!k->is_told || at + 28 > end)
		return 0;
	return at[0] == 0x45 && at[9] == PROTOCOL_UDP && !(at[6] & 0x1f) && !at[7] &&
	       *(const __u32 *)(at + 16) == remote[3] && is_v4_in_v6(k->remote) &&
	       *(const __be16 *)(at + 20) == bpf_htons(k->local_port) &&
	       *(const __be16 *)(at + 22) == bpf_htons(k->remote_port);
}

static __always_inline void tell_sides(struct __sk_buff *skb, struct sock *sk,
				       __u64 cookie, struct known *k)
{
	struct sides s = { 0 };
	struct socket_event *e;

	if (read_sides(skb, &s) || is_last_remote(k, &s))
		return;
	k->remote_port = s.remote_port;
	k->local_port = s.local_port;
	__builtin_memcpy(k->remote, s.remote, 16);
	k->is_told = 1;
	if (was_told(cookie, k, &s))
		return;
	e = begin(SOCKET_SEND, sk, cookie, bpf_ktime_get_boot_ns());
	if (!e) {
		k->is_told = 0;
		return;
	}
	put_user(e, k);
	e->family = s.family;
	e->protocol = s.protocol;
	e->local_port = s.local_port;
	e->remote_port = s.remote_port;
	__builtin_memcpy(e->local, s.local, 16);
	__builtin_memcpy(e->remote, s.remote, 16);
	submit(e);
}

#endif
