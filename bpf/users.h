/* Who used a socket last, by the socket: in one of a fixed number of slots, or in storage of the kernel's. */
#ifndef WEIR_BPF_USERS_H
#define WEIR_BPF_USERS_H

#include "kernel.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum {
	IS_KERNEL_THREAD = 0x00200000 /* PF_KTHREAD */
};

/* A socket's last user, and what has been told of it. */
struct known {
	__u64 start_ns;
	__u64 last_ns; /* the user's last send or receive that was seen; before any: when it was established */
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
static __always_inline struct known *known_of(void *sk, __u64 cookie)
{
	struct known *k = in_slot(cookie);

	return k ? k : bpf_sk_storage_get(&known, sk, 0, 0);
}

/* The same; with room where there was none.  NULL: there is none. */
static __always_inline struct known *known_or_new(void *sk, __u64 cookie)
{
	struct known *k = known_of(sk, cookie);

	if (!k)
		k = claim(cookie);
	return k ? k : bpf_sk_storage_get(&known, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
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

#endif
