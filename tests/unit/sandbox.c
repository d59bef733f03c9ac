/* What a sandbox forbids is tried inside of one, and must fail; what it allows must go. */
#include "port/sandbox.h"

#include "lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#if defined __has_feature
# if __has_feature(thread_sanitizer)
#  define IS_TSAN true
# endif
#endif
#ifndef IS_TSAN
# define IS_TSAN false
#endif

#define PART(part) (1U << SANDBOX_##part)

static char writable[64], elsewhere[64];

/* Runs body in a child that has entered the sandbox; its return value, or 100 where it could not be
 * entered. */
static int inside(const struct sandbox_rules *rules, int (*body)(void))
{
	pid_t pid = fork();
	struct sandbox_state state;
	int status;

	if (!pid)
		_exit(sandbox_enter(rules, &state, NULL) ? 100 : body());
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool can_make(const char *folder)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof path, "%s/new", folder);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return false;
	(void)close(fd);
	(void)unlink(path);
	return true;
}

/* Each returns the number of the first thing that went as it should not, or 0. */
static int try_files(void)
{
	const char *const argv[] = { "/bin/true", NULL };
	int fd;

	if (!can_make(writable))
		return 1;
	if (can_make(elsewhere))
		return 2;
	if (!rename(writable, "/tmp/moved-by-sandbox-test"))
		return 3;
	fd = open("/etc/passwd", O_RDONLY);
	if (fd < 0)
		return 4; /* reading is for the user to decide */
	(void)close(fd);
	if (open("/etc/passwd", O_WRONLY) >= 0)
		return 5;
	fd = open("/dev/null", O_WRONLY);
	if (fd < 0)
		return 6;
	(void)close(fd);
	(void)execv(argv[0], (char *const *)(uintptr_t)argv);
	return errno == EACCES ? 0 : 7;
}

static void test_files(void)
{
	const char *const paths[] = { writable, NULL }, *const none[] = { NULL };
	const struct sandbox_rules rules = { .writable = paths,
					     .executable = none,
					     .wanted = PART(FILES) };
	int code = inside(&rules, try_files);

	if (code == 100)
		SKIP("this kernel has no Landlock");
	CHECK_EQ(code, 0);
}

static int try_readable(void)
{
	if (open("/etc/passwd", O_RDONLY) >= 0)
		return 1;
	return open(writable, O_RDONLY | O_DIRECTORY) < 0 ? 2 : 0;
}

static void test_readable(void)
{
	const char *const paths[] = { writable, NULL };
	const struct sandbox_rules rules = { .readable = paths, .wanted = PART(FILES) };
	int code = inside(&rules, try_readable);

	if (code == 100)
		SKIP("this kernel has no Landlock");
	CHECK_EQ(code, 0);
}

static bool is_forbidden(long rc)
{
	return rc == -1 && errno == EPERM;
}

static int try_calls(void)
{
	if (!is_forbidden(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
		return 1;
	if (!is_forbidden(mount("none", "/mnt", "tmpfs", 0, NULL)))
		return 2;
	if (!is_forbidden(unshare(CLONE_NEWUSER)))
		return 3;
	if (!is_forbidden(syscall(SYS_bpf, 0, NULL, 0)))
		return 4;
	if (!is_forbidden(syscall(SYS_keyctl, 0, 0, 0, 0, 0)))
		return 5;
	if (!is_forbidden(syscall(SYS_init_module, NULL, 0, "")))
		return 6;
	if (!is_forbidden(socket(AF_INET, SOCK_STREAM, 0)))
		return 7;
	if (!is_forbidden(socket(AF_UNIX, SOCK_STREAM, 0)))
		return 8;
	if (!is_forbidden(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0)))
		return 9;
#ifdef __x86_64__
	/* The x32 numbering is no way around. */
	if (!is_forbidden(syscall(0x40000000 + 39)))
		return 10;
#endif
	return getpid() > 0 ? 0 : 11;
}

static void test_calls(void)
{
	const struct sandbox_rules rules = { .wanted = PART(CALLS) };

	CHECK_EQ(inside(&rules, try_calls), 0);
}

/* A list of what is allowed: whatever is not in it fails, known or not. */
static int try_unlisted(void)
{
	if (!is_forbidden(syscall(SYS_chroot, "/")))
		return 1;
	if (!is_forbidden(syscall(SYS_userfaultfd, 0)))
		return 2;
	if (!is_forbidden(syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0)))
		return 3;
	if (!is_forbidden(syscall(SYS_name_to_handle_at, 0, "", NULL, NULL, 0)))
		return 4;
	/* A C library takes the older way where the kernel seems too old. */
	if (syscall(600) != -1 || errno != ENOSYS)
		return 5;
	return getppid() > 0 && sched_yield() == 0 ? 0 : 6;
}

static int try_ours(void)
{
	/* What only others' programs need. */
	if (!is_forbidden(syscall(SYS_accept4, 0, NULL, NULL, 0)))
		return 10;
	if (!is_forbidden(syscall(SYS_memfd_create, "x", 0)))
		return 11;
	return try_unlisted();
}

static int try_recorder(void)
{
	const char *const argv[] = { "/bin/true", NULL };
	int fd;

	if (execv(argv[0], (char *const *)(uintptr_t)argv) != -1 || errno != EPERM)
		return 20;
	if (!is_forbidden(kill(getppid(), 0)) || !is_forbidden(setuid(0)))
		return 21;
	if (!is_forbidden(syscall(SYS_bpf, 0, NULL, 0)))
		return 22;
	fd = open(writable, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || close(fd))
		return 23;
	return try_ours();
}

static void test_lists(void)
{
	struct sandbox_rules rules = { .wanted = PART(CALLS) };

	CHECK_EQ(inside(&rules, try_unlisted), 0);
	rules.calls = SANDBOX_CALLS_OURS;
	CHECK_EQ(inside(&rules, try_ours), 0);
}

static void test_recorder_list(void)
{
	const struct sandbox_rules rules = { .wanted = PART(CALLS),
					     .calls = SANDBOX_CALLS_RECORDER };

	if (IS_TSAN)
		SKIP("the thread sanitizer's own calls are not on the list");
	CHECK_EQ(inside(&rules, try_recorder), 0);
}

/* Keys into a terminal, also as the kernel reads the number: by its lower half. */
static int try_terminal(void)
{
	static const unsigned long pushes[] = { TIOCSTI, TIOCLINUX };
	struct termios modes;

	for (size_t i = 0; i < ARRAY_LEN(pushes); i++) {
		if (!is_forbidden(syscall(SYS_ioctl, -1, pushes[i], "x")))
			return 1;
		if (!is_forbidden(syscall(SYS_ioctl, -1, pushes[i] | 1UL << 32, "x")))
			return 2;
	}
	/* What a terminal is asked else goes, and comes to the descriptor that there is not. */
	return syscall(SYS_ioctl, -1, TCGETS, &modes) == -1 && errno == EBADF ? 0 : 3;
}

static void test_terminal(void)
{
	static const enum sandbox_calls callers[] = { SANDBOX_CALLS_ANY,
						      SANDBOX_CALLS_OURS,
						      SANDBOX_CALLS_RECORDER };
	struct sandbox_rules rules = { .wanted = PART(CALLS) };

	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		rules.calls = callers[i];
		rules.network = SANDBOX_NETWORK_ALL;
		CHECK_EQ(inside(&rules, try_terminal), 0);
	}
}

static int try_capture(void)
{
	int fd;

	if (!is_forbidden(socket(AF_INET, SOCK_STREAM, 0)))
		return 1;
	if (!is_forbidden(socket(AF_INET6, SOCK_RAW, 0)))
		return 2;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return 3;
	(void)close(fd);
	fd = socket(AF_NETLINK, SOCK_RAW, 0);
	return fd < 0 ? 4 : 0;
}

static void test_capture_network(void)
{
	const struct sandbox_rules rules = { .wanted = PART(CALLS),
					     .network = SANDBOX_NETWORK_CAPTURE };

	CHECK_EQ(inside(&rules, try_capture), 0);
}

static int try_privileges(void)
{
	if (port_have_capability("net_admin") || !port_have_capability("net_raw"))
		return 1;
	if (!setuid(0) && geteuid() == 0)
		return 2;
	return chown("/etc/passwd", 0, 0) == 0 ? 3 : 0;
}

static void test_user_and_capabilities(void)
{
	struct sandbox_rules rules = { .has_user = true,
				       .capabilities = "net_raw",
				       .wanted = PART(USER) | PART(PRIVILEGES) };

	if (geteuid())
		SKIP("needs root");
	CHECK_EQ(port_user_find("nobody", &rules.user, NULL), 0);
	CHECK_EQ(inside(&rules, try_privileges), 0);
}

static int try_limits(void)
{
	struct rlimit core;
	void *much;

	if (getrlimit(RLIMIT_CORE, &core) || core.rlim_max)
		return 1;
	for (int fd = 0; fd < 32; fd++)
		if (dup(0) < 0)
			break;
	if (dup(0) >= 0)
		return 2;
	/* Not malloc(): a compiler may leave out one whose memory is not used. */
	much = mmap(NULL, (size_t)1 << 32, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (much != MAP_FAILED)
		return 3;
	return 0;
}

static void test_limits(void)
{
	const struct sandbox_rules rules = { .descriptors = 16,
					     .memory_bytes = UINT64_C(1) << 30,
					     .wanted = PART(LIMITS) };
	int code = inside(&rules, try_limits);

	/* Sanitizers reserve more address space than that. */
	if (code >= 100)
		SKIP("the limit of memory does not go with this build");
	CHECK_EQ(code, 0);
}

/* What cannot be had is an error, and where it may be missing it is said. */
static void test_nothing_is_silent(void)
{
	struct sandbox_rules rules = { .wanted = PART(USER) };
	struct sandbox_state state;
	struct weir_error err;

	CHECK_EQ(sandbox_enter(&rules, &state, &err), WEIR_ERR_PRIVILEGE);
	CHECK_STR(err.text,
		  "the sandbox's part 'user' cannot be had: there is no user for it");
	CHECK_EQ(state.parts[SANDBOX_USER], SANDBOX_FAILED);
	rules.optional = PART(USER);
	CHECK_EQ(sandbox_enter(&rules, &state, &err), 0);
	CHECK_EQ(state.parts[SANDBOX_USER], SANDBOX_FAILED);
	CHECK_STR(state.words[SANDBOX_USER], "there is no user for it");
	CHECK_EQ(state.parts[SANDBOX_FILES], SANDBOX_OFF);
	CHECK_EQ(sandbox_part_find("calls"), SANDBOX_CALLS);
	CHECK_EQ(sandbox_part_find("nothing"), SANDBOX_PARTS);
}

int main(void)
{
	(void)snprintf(writable, sizeof writable, "/tmp/weir-sandbox-%d-a",
		       (int)getpid());
	(void)snprintf(elsewhere, sizeof elsewhere, "/tmp/weir-sandbox-%d-b",
		       (int)getpid());
	if (mkdir(writable, 0700) || mkdir(elsewhere, 0700))
		return 1;
	RUN(test_files);
	RUN(test_readable);
	RUN(test_calls);
	RUN(test_lists);
	RUN(test_recorder_list);
	RUN(test_terminal);
	RUN(test_capture_network);
	RUN(test_user_and_capabilities);
	RUN(test_limits);
	RUN(test_nothing_is_silent);
	(void)rmdir(writable);
	(void)rmdir(elsewhere);
	return tap_done();
}
