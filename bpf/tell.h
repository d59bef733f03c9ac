/* Events of sockets, put together and put into the ring. */
#ifndef WEIR_BPF_TELL_H
#define WEIR_BPF_TELL_H

#include "kernel.h"
#include "users.h"

#include "process/event.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
};

/* Set before loading. */
const volatile struct feed_settings settings SEC(".rodata.settings") = { 0 };
struct feed_tally tally SEC(".data.tally") = { 0 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} sockets SEC(".maps");

static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };

static __always_inline void put_ipv4(__u8 out[16], __u32 address)
{
	if (!address) {
		__builtin_memset(out, 0, 16);
		return;
	}
	__builtin_memcpy(out, mapped, 12);
	__builtin_memcpy(out + 12, &address, 4);
}

/* A pointer that the verifier guards, as a number that CO-RE reads may start from. */
static __always_inline struct sock *plain(const void *guarded)
{
	const void *on_stack = guarded;
	struct sock *sk = 0;

	bpf_probe_read_kernel(&sk, sizeof sk, &on_stack);
	return sk;
}

static __always_inline __u32 netns_of(struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline _Bool is_wanted(struct sock *sk)
{
	return !settings.netns || netns_of(sk) == settings.netns;
}

static __always_inline _Bool is_v4_in_v6(const __u8 address[16])
{
	const __u32 *words = (const __u32 *)address;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline void describe(struct socket_event *e, struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	e->netns = netns_of(sk);
	e->protocol = (__u8)BPF_CORE_READ(sk, sk_protocol);
	e->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	e->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	/* The number is taken away before a closing is told, the port's copy is not. */
	e->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	if (!e->local_port)
		e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (family == FAMILY_IPV4) {
		e->family = 4;
		put_ipv4(e->local, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
		put_ipv4(e->remote, BPF_CORE_READ(sk, __sk_common.skc_daddr));
		return;
	}
	BPF_CORE_READ_INTO(&e->local, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
	BPF_CORE_READ_INTO(&e->remote, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr8);
	e->is_ipv6_only = BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
	e->family = is_v4_in_v6(e->local) || is_v4_in_v6(e->remote) ? 4 : 6;
}

/* The same of a socket that a tracepoint hands over: its members are read where they lie, without a call for
 * each.  That is half of what telling an event costs. */
static __always_inline _Bool is_wanted_here(struct sock *sk)
{
	return !settings.netns || sk->__sk_common.skc_net.net->ns.inum == settings.netns;
}

static __always_inline void describe_here(struct socket_event *e, struct sock *sk)
{
	if (sk->__sk_common.skc_family != FAMILY_IPV4 || !sk->__sk_common.skc_num) {
		describe(e, plain(sk));
		return;
	}
	e->netns = sk->__sk_common.skc_net.net->ns.inum;
	e->protocol = (__u8)sk->sk_protocol;
	e->state = sk->__sk_common.skc_state;
	e->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
	e->local_port = sk->__sk_common.skc_num;
	e->family = 4;
	put_ipv4(e->local, sk->__sk_common.skc_rcv_saddr);
	put_ipv4(e->remote, sk->__sk_common.skc_daddr);
}

static __always_inline void put_user(struct socket_event *e, const struct known *k)
{
	e->pid = k->pid;
	e->tid = k->tid;
	e->uid = k->uid;
	e->start_ns = k->start_ns;
	__builtin_memcpy(e->comm, k->comm, sizeof e->comm);
}

static __always_inline struct socket_event *reserve(__u8 kind, __u64 cookie, __u64 now)
{
	struct socket_event *e;

	/* Each line of the cache that an event takes is one that another processor has. */
	if (settings.is_counting)
		e = bpf_ringbuf_reserve(&sockets, sizeof *e, 0);
	else
		e = bpf_ringbuf_reserve(&sockets, SOCKET_EVENT_BRIEF, 0);
	if (!e) {
		__sync_fetch_and_add(&tally.lost_sockets, 1);
		return 0;
	}
	__builtin_memset(e, 0, SOCKET_EVENT_BRIEF);
	if (settings.is_counting)
		__builtin_memset(&e->packets_out, 0, sizeof *e - SOCKET_EVENT_BRIEF);
	e->ns = now;
	e->cookie = cookie;
	e->kind = kind;
	return e;
}

static __always_inline struct socket_event *begin(__u8 kind, struct sock *sk,
						  __u64 cookie, __u64 now)
{
	struct socket_event *e = reserve(kind, cookie, now);

	if (e)
		describe(e, sk);
	return e;
}

static __always_inline struct socket_event *begin_here(__u8 kind, struct sock *sk,
						       __u64 cookie, __u64 now)
{
	struct socket_event *e = reserve(kind, cookie, now);

	if (e)
		describe_here(e, sk);
	return e;
}

static __always_inline void submit(struct socket_event *e)
{
	bpf_ringbuf_submit(e, settings.wakes_socket_reader ? BPF_RB_FORCE_WAKEUP
							   : BPF_RB_NO_WAKEUP);
}

static __always_inline void tell(__u8 kind, struct sock *sk, __u64 cookie,
				 const struct known *k, __u64 now)
{
	struct socket_event *e = begin(kind, sk, cookie, now);

	if (!e)
		return;
	if (k)
		put_user(e, k);
	submit(e);
}

#endif
