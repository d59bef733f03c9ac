/* Who opens, uses and closes sockets, and which processes come and go: told to user space as it
 * happens, by the structures of process/event.h.
 *
 * A socket's last user lies in one of a fixed number of slots; a socket whose slot is another's has it in
 * storage that the kernel frees with the socket, so that nothing is forgotten and all is bounded by what
 * exists.  A packet costs one look at it; an event is sent only where something is new: another
 * remote side, another user.
 *
 * Who sends is known for sure where the system call is (socket(), connect(), sendmsg(), and the
 * tracepoints behind each send and receive).  Whatever runs when a packet leaves may be anybody: an
 * interrupt, or a recorder that hands on what it diverted; it is never asked there. */
#include "kernel.h"

#include "process/event.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum {
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
	TCP_ESTABLISHED_STATE = 1,
	TCP_SYN_SENT_STATE = 2,
	TCP_CLOSE_STATE = 7,
	TCP_LISTEN_STATE = 10,
	TCP_SYN = 2, /* of the header's flags */
	TCP_SYN_ACK = 0x12,
	IS_KERNEL_THREAD = 0x00200000, /* PF_KTHREAD */
};

/* Set before loading. */
const volatile struct feed_settings settings SEC(".rodata.settings") = { 0 };
struct feed_tally tally SEC(".data.tally") = { 0 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} processes SEC(".maps");

/* A socket's last user, and what has been told of it. */
struct known {
	__u64 start_ns;
	__u64 last_ns; /* the user's last send or receive that was seen; of none: when it was established */
	__u64 packets_out, bytes_out, packets_in, bytes_in;
	__u32 pid, tid, uid;
	__u16 remote_port; /* the remote side that was told last */
	__u16 local_port;
	__u8 remote[16];
	__u8 is_told; /* with the present user */
	__u8 is_accepted;
	__u8 zero[2];
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct known);
} known SEC(".maps");

/* By the socket's cookie, which is its own while the system runs.  Cookies are given in turn, so those of
 * sockets that are open at a time lie in different slots; storage costs four allocations a connection. */
struct slot {
	__u64 cookie; /* 0: free */
	struct known known;
};

enum {
	SLOTS = 16384 /* a power of two */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

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

char _license[] SEC("license") = "GPL";

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

static __always_inline struct slot *slot_of(__u64 cookie)
{
	__u32 index = cookie & (SLOTS - 1);

	return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline struct known *claim(__u64 cookie)
{
	struct slot *s = slot_of(cookie);

	if (!s || s->cookie || __sync_val_compare_and_swap(&s->cookie, 0, cookie))
		return 0;
	return &s->known;
}

static __always_inline struct known *in_slot(__u64 cookie)
{
	struct slot *s = slot_of(cookie);

	return s && s->cookie == cookie ? &s->known : 0;
}

/* The socket is gone, or on its way. */
static __always_inline void let_go(__u64 cookie)
{
	struct slot *s = slot_of(cookie);

	if (!s || s->cookie != cookie)
		return;
	__builtin_memset(&s->known, 0, sizeof s->known);
	s->cookie = 0;
}

/* What is known of a socket; `sk` as the program may hand it to the kernel.  NULL: nothing. */
#define KNOWN_OF(sk, cookie)                                 \
 ({                                                          \
struct known *in = in_slot(cookie);                               \
in ? in : (struct known *)bpf_sk_storage_get(&known, (sk), 0, 0); \
 })

/* The same; with room where there was none.  NULL: there is none. */
#define KNOWN_OR_NEW(sk, cookie)                                                     \
 ({                                                                                  \
struct known *there = KNOWN_OF(sk, cookie);                                               \
if (!there)                                                                               \
there = claim(cookie);                                                                   \
there ? there                                                                             \
 : (struct known *)bpf_sk_storage_get(&known, (sk), 0, BPF_SK_STORAGE_GET_F_CREATE); \
 })

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
		__sync_fetch_and_add(&tally.lost, 1);
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

/* True: the process that was the user is it still. */
static __always_inline _Bool is_same_user(struct known *k, __u64 id, __u64 now)
{
	if (!k->pid || k->pid != (__u32)(id >> 32))
		return 0;
	k->last_ns = now;
	k->tid = (__u32)id;
	return 1;
}

static __always_inline void set_user(struct known *k, __u64 id, __u64 start_ns, __u64 now)
{
	k->last_ns = now;
	k->tid = (__u32)id;
	k->pid = (__u32)(id >> 32);
	k->uid = (__u32)bpf_get_current_uid_gid();
	k->start_ns = start_ns;
	k->is_told = 0;
	bpf_get_current_comm(k->comm, sizeof k->comm);
}

/* Whoever runs now becomes the user.  False: nobody that sockets are attributed to, or the same as
 * before. */
static __always_inline _Bool take_user(struct known *k, __u64 now)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid();

	if (is_same_user(k, id, now) || BPF_CORE_READ(task, flags) & IS_KERNEL_THREAD)
		return 0;
	set_user(k, id, BPF_CORE_READ(task, group_leader, start_boottime), now);
	return 1;
}

/* The same for tracepoints, which may read the task where it lies. */
static __always_inline _Bool take_user_here(struct known *k, __u64 now)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct task_struct *task;

	if (is_same_user(k, id, now))
		return 0;
	task = bpf_get_current_task_btf();
	if (task->flags & IS_KERNEL_THREAD)
		return 0;
	set_user(k, id, task->group_leader->start_boottime, now);
	return 1;
}

SEC("cgroup/sock_create")

int on_create(struct bpf_sock *ctx)
{
	struct known *k;

	/* TCP's calls all tell who makes them. */
	if (ctx->protocol == PROTOCOL_TCP)
		return 1;
	k = KNOWN_OR_NEW(ctx, bpf_get_socket_cookie(ctx));
	if (k)
		(void)take_user(k, bpf_ktime_get_boot_ns());
	return 1;
}

static __always_inline int on_bind(struct bpf_sock *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx), now;
	struct sock *sk = plain(ctx);
	struct known *k;

	if (!is_wanted(sk))
		return 1;
	k = KNOWN_OR_NEW(ctx, cookie);
	if (!k)
		return 1;
	now = bpf_ktime_get_boot_ns();
	(void)take_user(k, now);
	tell(SOCKET_BIND, sk, cookie, k, now);
	return 1;
}

SEC("cgroup/post_bind4")

int on_bind4(struct bpf_sock *ctx)
{
	return on_bind(ctx);
}

SEC("cgroup/post_bind6")

int on_bind6(struct bpf_sock *ctx)
{
	return on_bind(ctx);
}

static __always_inline int on_connect(struct bpf_sock_addr *ctx, _Bool is_ipv6)
{
	struct bpf_sock *guarded = ctx->sk;
	struct socket_event *e;
	struct known *k;
	struct sock *sk;
	__u64 cookie, now;

	/* TCP's change of state follows, with the same process running. */
	if (!guarded || (settings.is_brief && ctx->protocol == PROTOCOL_TCP))
		return 1;
	sk = plain(guarded);
	if (!is_wanted(sk))
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	k = KNOWN_OR_NEW(guarded, cookie);
	if (!k)
		return 1;
	now = bpf_ktime_get_boot_ns();
	(void)take_user(k, now);
	k->is_told = 0;
	if (settings.is_brief)
		return 1;
	e = begin(SOCKET_CONNECT, sk, cookie, now);
	if (!e)
		return 1;
	put_user(e, k);
	e->remote_port = bpf_ntohs((__u16)ctx->user_port);
	if (is_ipv6) {
		__u32 *words = (__u32 *)e->remote;

		words[0] = ctx->user_ip6[0];
		words[1] = ctx->user_ip6[1];
		words[2] = ctx->user_ip6[2];
		words[3] = ctx->user_ip6[3];
		e->family = is_v4_in_v6(e->remote) ? 4 : 6;
	} else {
		put_ipv4(e->remote, ctx->user_ip4);
		e->family = 4;
	}
	submit(e);
	return 1;
}

SEC("cgroup/connect4")

int on_connect4(struct bpf_sock_addr *ctx)
{
	return on_connect(ctx, 0);
}

SEC("cgroup/connect6")

int on_connect6(struct bpf_sock_addr *ctx)
{
	return on_connect(ctx, 1);
}

/* The remote side is told when the packet leaves: then the local address is known too. */
static __always_inline int on_sendto(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *guarded = ctx->sk;
	struct known *k;

	if (!guarded)
		return 1;
	k = KNOWN_OR_NEW(guarded, bpf_get_socket_cookie(ctx));
	if (k)
		(void)take_user(k, bpf_ktime_get_boot_ns());
	return 1;
}

SEC("cgroup/sendmsg4")

int on_sendto4(struct bpf_sock_addr *ctx)
{
	return on_sendto(ctx);
}

SEC("cgroup/sendmsg6")

int on_sendto6(struct bpf_sock_addr *ctx)
{
	return on_sendto(ctx);
}

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

/* Whose a connection is, by its first packet.  A listener's own packets are answers to SYNs: no connection of its
 * own. */
static __always_inline void tell_opening(struct bpf_sock *full, __u64 cookie,
					 struct known *k)
{
	struct socket_event *e;
	struct tcp_sock *sk;

	if (k->is_told || !k->pid || full->state == TCP_LISTEN_STATE)
		return;
	k->is_told = 1;
	sk = bpf_skc_to_tcp_sock(full);
	if (!sk || !is_wanted_here((struct sock *)sk))
		return;
	e = begin_here(SOCKET_SEND, (struct sock *)sk, cookie, bpf_ktime_get_boot_ns());
	if (!e)
		return;
	put_user(e, k);
	submit(e);
}

/* Of a connection of TCP, and not its first packet, which is what tells whose it is. */
static __always_inline _Bool is_within_connection(struct __sk_buff *skb)
{
	const __u8 *at = (const __u8 *)(long)skb->data;
	const __u8 *end = (const __u8 *)(long)skb->data_end;

	if (at + 54 <= end && at[0] >> 4 == 6)
		return at[6] == PROTOCOL_TCP && (at[53] & TCP_SYN_ACK) != TCP_SYN;
	return at + 34 <= end && at[0] == 0x45 && at[9] == PROTOCOL_TCP &&
	       !(at[6] & 0x1f) && !at[7] && (at[33] & TCP_SYN_ACK) != TCP_SYN;
}

SEC("cgroup_skb/egress")

int on_egress(struct __sk_buff *skb)
{
	struct bpf_sock *full;
	struct known *k;
	struct sock *sk;
	__u64 cookie;

	if (is_within_connection(skb))
		return 1;
	full = skb->sk;
	if (!full)
		return 1;
	full = bpf_sk_fullsock(full);
	if (!full)
		return 1;
	cookie = bpf_get_socket_cookie(skb);
	if (full->protocol == PROTOCOL_TCP) {
		k = KNOWN_OF(full, cookie);
		if (k)
			tell_opening(full, cookie, k);
		return 1;
	}
	k = KNOWN_OR_NEW(full, cookie);
	if (!k || (full->protocol == PROTOCOL_UDP && is_same_again(skb, k)))
		return 1;
	sk = plain(full);
	if (is_wanted(sk))
		tell_sides(skb, sk, cookie, k);
	return 1;
}

static __always_inline int count(struct __sk_buff *skb, _Bool is_out)
{
	struct bpf_sock *full = skb->sk;
	struct known *k;

	if (!full)
		return 1;
	full = bpf_sk_fullsock(full);
	if (!full)
		return 1;
	k = KNOWN_OR_NEW(full, bpf_get_socket_cookie(skb));
	if (!k)
		return 1;
	__sync_fetch_and_add(is_out ? &k->packets_out : &k->packets_in, 1);
	__sync_fetch_and_add(is_out ? &k->bytes_out : &k->bytes_in, skb->len);
	return 1;
}

SEC("cgroup_skb/egress")

int count_egress(struct __sk_buff *skb)
{
	return count(skb, 1);
}

SEC("cgroup_skb/ingress")

int count_ingress(struct __sk_buff *skb)
{
	return count(skb, 0);
}

static __always_inline void end_close(struct socket_event *e, const struct known *k)
{
	if (!e)
		return;
	if (k) {
		put_user(e, k);
		e->before_ns = k->pid ? 0 : k->last_ns;
	}
	if (k && settings.is_counting) {
		e->packets_out = k->packets_out;
		e->bytes_out = k->bytes_out;
		e->packets_in = k->packets_in;
		e->bytes_in = k->bytes_in;
	}
	submit(e);
}

/* TCP's closing is a change of its state, where it was ever connected; the others have none. */
SEC("cgroup/sock_release")

int on_release(struct bpf_sock *ctx)
{
	__u64 cookie;
	struct sock *sk;

	if (ctx->protocol == PROTOCOL_TCP) {
		if (ctx->state == TCP_CLOSE_STATE)
			let_go(bpf_get_socket_cookie(ctx));
		return 1;
	}
	cookie = bpf_get_socket_cookie(ctx);
	sk = plain(ctx);
	if (is_wanted(sk))
		end_close(begin(SOCKET_CLOSE, sk, cookie, bpf_ktime_get_boot_ns()),
			  KNOWN_OF(ctx, cookie));
	let_go(cookie);
	return 1;
}

SEC("tp_btf/inet_sock_set_state")

int BPF_PROG(on_state, struct sock *sk, int before, int now)
{
	struct socket_event *e;
	struct known *k;
	__u64 cookie, now_ns;

	if ((now != TCP_ESTABLISHED_STATE && now != TCP_CLOSE_STATE &&
	     now != TCP_LISTEN_STATE &&
	     (now != TCP_SYN_SENT_STATE || !settings.is_brief)) ||
	    sk->sk_protocol != PROTOCOL_TCP || !is_wanted_here(sk))
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	now_ns = bpf_ktime_get_boot_ns();
	if (now == TCP_CLOSE_STATE) {
		end_close(begin_here(SOCKET_CLOSE, sk, cookie, now_ns),
			  KNOWN_OF(sk, cookie));
		let_go(cookie);
		return 0;
	}
	k = KNOWN_OR_NEW(sk, cookie);
	if ((now == TCP_LISTEN_STATE || now == TCP_SYN_SENT_STATE) && k)
		(void)take_user_here(k, now_ns);
	if (now == TCP_SYN_SENT_STATE) {
		if (k)
			k->is_told = 0;
		return 0;
	}
	if (now == TCP_ESTABLISHED_STATE && k && !k->pid) {
		k->is_accepted = 1;
		k->last_ns = now_ns;
	}
	/* The first packet has told whose it is, or its first use will. */
	if (now == TCP_ESTABLISHED_STATE && settings.is_brief)
		return 0;
	e = begin_here(now == TCP_LISTEN_STATE ? SOCKET_LISTEN : SOCKET_ESTABLISHED, sk,
		       cookie, now_ns);
	if (!e)
		return 0;
	if (k)
		put_user(e, k);
	submit(e);
	return 0;
}

static __always_inline int on_use(struct sock *sk, int result)
{
	__u64 before_ns;
	struct socket_event *e;
	struct known *k;
	_Bool is_first;
	__u64 cookie, now;
	__u16 family;

	if (result <= 0 || !sk)
		return 0;
	family = sk->__sk_common.skc_family;
	if (family != FAMILY_IPV4 && family != FAMILY_IPV6)
		return 0;
	/* What is read from a connection that is over changes nothing. */
	if (!is_wanted_here(sk) || (sk->sk_protocol == PROTOCOL_TCP &&
				    sk->__sk_common.skc_state == TCP_CLOSE_STATE))
		return 0;
	cookie = bpf_get_socket_cookie(sk);
	k = KNOWN_OR_NEW(sk, cookie);
	if (!k)
		return 0;
	is_first = !k->pid;
	before_ns = k->last_ns;
	now = bpf_ktime_get_boot_ns();
	if (!take_user_here(k, now))
		return 0;
	e = begin_here(is_first && k->is_accepted ? SOCKET_ACCEPT : SOCKET_USE, sk,
		       cookie, now);
	if (!e)
		return 0;
	put_user(e, k);
	e->before_ns = before_ns;
	k->is_told = e->protocol == PROTOCOL_TCP;
	submit(e);
	return 0;
}

SEC("tp_btf/sock_send_length")

int BPF_PROG(on_send, struct sock *sk, int result, int flags)
{
	return on_use(sk, result);
}

SEC("tp_btf/sock_recv_length")

int BPF_PROG(on_receive, struct sock *sk, int result, int flags)
{
	return on_use(sk, result);
}

static __always_inline struct process_event *begin_process(__u16 kind,
							   struct task_struct *task)
{
	struct process_event *e = bpf_ringbuf_reserve(&processes, sizeof *e, 0);

	if (!e) {
		__sync_fetch_and_add(&tally.lost, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof *e);
	e->kind = kind;
	e->ns = bpf_ktime_get_boot_ns();
	e->pid = (__u32)BPF_CORE_READ(task, tgid);
	e->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	e->parent_pid = (__u32)BPF_CORE_READ(task, real_parent, tgid);
	e->parent_start_ns =
		BPF_CORE_READ(task, real_parent, group_leader, start_boottime);
	e->uid = BPF_CORE_READ(task, cred, uid.val);
	e->gid = BPF_CORE_READ(task, cred, gid.val);
	e->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	BPF_CORE_READ_INTO(&e->comm, task, comm);
	return e;
}

SEC("tp_btf/sched_process_fork")

int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *task = (void *)plain(child);
	struct process_event *e;

	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	e = begin_process(PROCESS_FORK, task);
	if (e) {
		e->cgroup = bpf_get_current_cgroup_id();
		bpf_ringbuf_submit(e, 0);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")

int BPF_PROG(on_exec, struct task_struct *guarded, int old_pid, struct linux_binprm *bprm)
{
	struct task_struct *task = (void *)plain(guarded);
	struct process_event *e = begin_process(PROCESS_EXEC, task);
	unsigned long from, length;

	if (!e)
		return 0;
	e->cgroup = bpf_get_current_cgroup_id();
	bpf_probe_read_kernel_str(e->path, sizeof e->path, BPF_CORE_READ(bprm, filename));
	from = BPF_CORE_READ(task, mm, arg_start);
	length = BPF_CORE_READ(task, mm, arg_end) - from;
	if (length > sizeof e->args)
		length = sizeof e->args;
	if (!bpf_probe_read_user(e->args, (__u32)length, (void *)from))
		e->args_length = (__u16)length;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")

int BPF_PROG(on_exit, struct task_struct *guarded)
{
	struct task_struct *task = (void *)plain(guarded);
	struct process_event *e;

	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	e = begin_process(PROCESS_EXIT, task);
	if (!e)
		return 0;
	e->exit_code = (__u32)BPF_CORE_READ(task, group_leader, exit_code);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
