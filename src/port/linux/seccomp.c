/* A filter of system calls, put together from a table of what is allowed (seccomp_calls.h): what is not
 * in it fails with EPERM, because a process that is killed records nothing. */
#include "port/linux/sandbox_parts.h"
#include "port/linux/seccomp_calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
# define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
# define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

enum {
	PROGRAM_MAX = 512,
	X32_BIT = 0x40000000,
};

struct program {
	struct sock_filter code[PROGRAM_MAX];
	unsigned short count;
};

static void put(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (p->count < PROGRAM_MAX)
		p->code[p->count++] =
			(struct sock_filter){ .code = code, .jt = yes, .jf = no, .k = k };
}

static void put_load(struct program *p, size_t offset)
{
	put(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void put_return(struct program *p, uint32_t what)
{
	put(p, BPF_RET | BPF_K, what, 0, 0);
}

static void put_fail(struct program *p, int error)
{
	put_return(p, SECCOMP_RET_ERRNO | (uint32_t)error);
}

/* The call fails if its number is this one. */
static void put_forbid(struct program *p, int number, int error)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
	put_fail(p, error);
}

static unsigned sets_of(const struct sandbox_rules *rules)
{
	static const unsigned callers[] = {
		[SANDBOX_CALLS_ANY] = CALLS_ANY,
		[SANDBOX_CALLS_OURS] = CALLS_OURS,
		[SANDBOX_CALLS_RECORDER] = CALLS_RECORDER,
	};

	return callers[rules->calls] | (rules->may_trace_files ? CALLS_MOUNT_CLONE : 0U) |
	       (rules->may_load_bpf ? CALLS_BPF : 0U);
}

/* Runs of allowed numbers, two comparisons each; returns how many calls they are. */
static unsigned put_allowed(struct program *p, unsigned sets)
{
	unsigned allowed = 0;
	int end;

	for (int first = 0; first < SECCOMP_KNOWN; first = end) {
		end = first + 1;
		if (!(seccomp_call_sets(first) & sets))
			continue;
		while (end < SECCOMP_KNOWN && seccomp_call_sets(end) & sets)
			end++;
		put(p, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)first, 0, 2);
		put(p, BPF_JMP | BPF_JGT | BPF_K, (uint32_t)end - 1, 1, 0);
		put_return(p, SECCOMP_RET_ALLOW);
		allowed += (unsigned)(end - first);
	}
	return allowed;
}

/* The low word of an argument: the machines that we know are little-endian. */
static size_t argument(unsigned n)
{
	return offsetof(struct seccomp_data, args) + 8 * n;
}

/* Threads and processes, but no new namespaces; clone3's flags cannot be seen from here. */
static void put_clone(struct program *p)
{
	const uint32_t flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
			       CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	put_forbid(p, SYS_clone3, ENOSYS);
	put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	put_load(p, argument(0));
	put(p, BPF_JMP | BPF_JSET | BPF_K, flags, 0, 1);
	put_fail(p, EPERM);
	put_return(p, SECCOMP_RET_ALLOW);
}

/* No keys into a terminal: whoever started the agent would have typed them.  The kernel looks at the low word of
 * the number only, and so do we. */
static void put_terminal(struct program *p)
{
	put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 6);
	put_load(p, argument(1));
	put_forbid(p, TIOCSTI, EPERM);
	put_forbid(p, TIOCLINUX, EPERM);
	put_load(p, offsetof(struct seccomp_data, nr));
}

/* Sockets are judged by family (and type) when they are made. */
static void put_socket(struct program *p, enum sandbox_network network)
{
	static const uint32_t families[] = { AF_PACKET, AF_NETLINK, AF_UNIX };

	if (network == SANDBOX_NETWORK_ALL)
		return;
	if (network == SANDBOX_NETWORK_NONE) {
		put_forbid(p, SYS_socket, EPERM);
		return;
	}
	put(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 12);
	put_load(p, argument(0));
	for (unsigned i = 0; i < ARRAY_LEN(families); i++) {
		put(p, BPF_JMP | BPF_JEQ | BPF_K, families[i], 0, 1);
		put_return(p, SECCOMP_RET_ALLOW);
	}
	put_load(p, argument(1));
	put(p, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
	/* Of the Internet only what an ioctl is asked through. */
	put(p, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 1, 0);
	put_fail(p, EPERM);
	put_return(p, SECCOMP_RET_ALLOW);
}

static unsigned assemble(struct program *p, const struct sandbox_rules *rules)
{
	unsigned allowed;

	put_load(p, offsetof(struct seccomp_data, arch));
	put(p, BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 1, 0);
	put_return(p, SECCOMP_RET_KILL_PROCESS);
	put_load(p, offsetof(struct seccomp_data, nr));
	/* The other numbering of x86-64 would walk around the table. */
	put(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	put_fail(p, EPERM);
	put_socket(p, rules->network);
	put_clone(p);
	put_terminal(p);
	allowed = put_allowed(p, sets_of(rules));
	put(p, BPF_JMP | BPF_JGE | BPF_K, SECCOMP_KNOWN, 0, 1);
	put_fail(p, ENOSYS);
	put_fail(p, EPERM);
	return allowed;
}

int seccomp_enter(const struct sandbox_rules *rules, char *words, struct weir_error *err)
{
	static const char *const networks[] = { "no network", "capture only", "network" };
	struct program p = { .count = 0 };
	struct sock_fprog program = { .filter = p.code };
	unsigned allowed = assemble(&p, rules);

	program.len = p.count;
	(void)snprintf(words, SANDBOX_WORDS, "seccomp: %u of %d calls allowed, %s",
		       allowed, SECCOMP_KNOWN, networks[rules->network]);
	if (p.count == PROGRAM_MAX)
		return err_set(err, WEIR_ERR_LIMIT, "the filter of calls is too long");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) ||
	    prctl(PR_SET_SECCOMP, (long)SECCOMP_MODE_FILTER, &program, 0L, 0L))
		return err_sys(err, "cannot install the filter of system calls");
	return 0;
}
