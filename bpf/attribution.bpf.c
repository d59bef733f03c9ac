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
#include "sides.h"
#include "tell.h"
#include "users.h"

#include "process/event.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

enum {
	PROTOCOL_TCP = 6,
	TCP_ESTABLISHED_STATE = 1,
	TCP_SYN_SENT_STATE = 2,
	TCP_CLOSE_STATE = 7,
	TCP_LISTEN_STATE = 10,
	TCP_SYN = 2, /* of the header's flags */
	TCP_SYN_ACK = 0x12,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EXEC_PLACES);
	__type(key, __u32);
	__type(value, __u64);
} execs SEC(".maps");

char _license[] SEC("license") = "GPL";

SEC("cgroup/sock_create")

int on_create(struct bpf_sock *ctx)
{
	struct known *k;

	/* TCP's calls all tell who makes them. */
	if (ctx->protocol == PROTOCOL_TCP)
		return 1;
	k = known_or_new(ctx, bpf_get_socket_cookie(ctx));
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
	k = known_or_new(ctx, cookie);
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

/* Of a socket that is not TCP's, by a call that another process than before makes, or the first one of a socket that is
 * older than these programs: the packets that follow are told before the call ends. */
static __always_inline void take_and_tell(struct known *k, struct sock *sk, __u64 cookie,
					  __u64 now)
{
	__u64 before_ns = k->last_ns;
	struct socket_event *e;

	if (!take_user(k, now))
		return;
	e = begin(SOCKET_USE, sk, cookie, now);
	if (!e)
		return;
	put_user(e, k);
	e->before_ns = before_ns;
	submit(e);
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
	k = known_or_new(guarded, cookie);
	if (!k)
		return 1;
	now = bpf_ktime_get_boot_ns();
	if (ctx->protocol == PROTOCOL_TCP)
		(void)take_user(k, now);
	else
		take_and_tell(k, sk, cookie, now);
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
	struct sock *sk;
	__u64 cookie;

	if (!guarded)
		return 1;
	sk = plain(guarded);
	if (!is_wanted(sk))
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	k = known_or_new(guarded, cookie);
	if (k)
		take_and_tell(k, sk, cookie, bpf_ktime_get_boot_ns());
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
		k = known_of(full, cookie);
		if (k)
			tell_opening(full, cookie, k);
		return 1;
	}
	k = known_or_new(full, cookie);
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
	k = known_or_new(full, bpf_get_socket_cookie(skb));
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
			  known_of(ctx, cookie));
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
			  known_of(sk, cookie));
		let_go(cookie);
		return 0;
	}
	k = known_or_new(sk, cookie);
	if ((now == TCP_LISTEN_STATE || now == TCP_SYN_SENT_STATE) && k)
		(void)take_user_here(k, now_ns);
	if (now == TCP_SYN_SENT_STATE) {
		if (k)
			k->is_told = 0;
		return 0;
	}
	/* Until then it is whose connect() it was, if any, whoever uses it first. */
	if (now == TCP_ESTABLISHED_STATE && k) {
		k->is_accepted |= !k->pid;
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
	k = known_or_new(sk, cookie);
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

static __always_inline __u64 *execs_of(struct task_struct *task)
{
	__u32 place = (__u32)BPF_CORE_READ(task, tgid) % EXEC_PLACES;

	return bpf_map_lookup_elem(&execs, &place);
}

static __always_inline struct process_event *begin_process(__u16 kind,
							   struct task_struct *task)
{
	struct process_event *e = bpf_ringbuf_reserve(&processes, sizeof *e, 0);
	const __u64 *count;

	if (!e) {
		__sync_fetch_and_add(&tally.lost_processes, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof *e);
	e->kind = kind;
	e->ns = bpf_ktime_get_boot_ns();
	e->pid = (__u32)BPF_CORE_READ(task, tgid);
	count = execs_of(task);
	e->execs = count ? (__u32)*count : 0;
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
	unsigned long from, length;
	struct process_event *e;
	__u64 *count = execs_of(task);

	if (count)
		__sync_fetch_and_add(count, 1);
	e = begin_process(PROCESS_EXEC, task);
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
