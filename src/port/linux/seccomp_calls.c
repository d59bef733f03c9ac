#include "port/linux/seccomp_calls.h"

#include "base/compiler.h"

#include <stddef.h>
#include <sys/syscall.h>

/* Newer than some headers that this is built with; the same number on every machine. */
#ifndef SYS_epoll_pwait2
# define SYS_epoll_pwait2 441
#endif
#ifndef SYS_mount_setattr
# define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
# define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_add_rule
# define SYS_landlock_add_rule 445
#endif
#ifndef SYS_landlock_restrict_self
# define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_futex_waitv
# define SYS_futex_waitv 449
#endif
#ifndef SYS_cachestat
# define SYS_cachestat 451
#endif
#ifndef SYS_fchmodat2
# define SYS_fchmodat2 452
#endif
#ifndef SYS_futex_wake
# define SYS_futex_wake 454
#endif
#ifndef SYS_futex_wait
# define SYS_futex_wait 455
#endif
#ifndef SYS_futex_requeue
# define SYS_futex_requeue 456
#endif
#ifndef SYS_statmount
# define SYS_statmount 457
#endif
#ifndef SYS_listmount
# define SYS_listmount 458
#endif
#ifndef SYS_mseal
# define SYS_mseal 462
#endif
#ifndef SYS_getxattrat
# define SYS_getxattrat 464
#endif
#ifndef SYS_listxattrat
# define SYS_listxattrat 465
#endif
#ifndef SYS_file_getattr
# define SYS_file_getattr 468
#endif

enum {
	EVERYBODY = CALLS_ANY | CALLS_OURS | CALLS_RECORDER,
	PLUGINS = CALLS_ANY | CALLS_OURS,
	RECORDERS = CALLS_OURS | CALLS_RECORDER,
};

/* Not in it, and so for nobody: tracing and reading other processes, modules and kexec, mounting in
 * place, chroot, swap, reboot, clocks, names of the host, accounting, quotas, keys, userfaultfd,
 * fanotify, handles of files, I/O ports, the kernel's log, personalities, clone3 (whose flags a filter
 * cannot see), and what has gone out of use. */
static const struct {
	short number;
	unsigned short sets;
} calls[] = {
	{ SYS_read, EVERYBODY },
	{ SYS_write, EVERYBODY },
	{ SYS_close, EVERYBODY },
	{ SYS_fstat, EVERYBODY },
	{ SYS_lseek, EVERYBODY },
	{ SYS_mmap, EVERYBODY },
	{ SYS_mprotect, EVERYBODY },
	{ SYS_munmap, EVERYBODY },
	{ SYS_brk, EVERYBODY },
	{ SYS_rt_sigaction, EVERYBODY },
	{ SYS_rt_sigprocmask, EVERYBODY },
	{ SYS_rt_sigreturn, EVERYBODY },
	{ SYS_ioctl, EVERYBODY },
	{ SYS_pread64, EVERYBODY },
	{ SYS_pwrite64, EVERYBODY },
	{ SYS_readv, EVERYBODY },
	{ SYS_writev, EVERYBODY },
	{ SYS_sched_yield, EVERYBODY },
	{ SYS_mremap, EVERYBODY },
	{ SYS_msync, EVERYBODY },
	{ SYS_mincore, EVERYBODY },
	{ SYS_madvise, EVERYBODY },
	{ SYS_dup, EVERYBODY },
	{ SYS_nanosleep, EVERYBODY },
	{ SYS_getpid, EVERYBODY },
	{ SYS_socket, EVERYBODY },
	{ SYS_sendto, EVERYBODY },
	{ SYS_recvfrom, EVERYBODY },
	{ SYS_sendmsg, EVERYBODY },
	{ SYS_recvmsg, EVERYBODY },
	{ SYS_shutdown, EVERYBODY },
	{ SYS_bind, EVERYBODY },
	{ SYS_getsockname, EVERYBODY },
	{ SYS_getpeername, EVERYBODY },
	{ SYS_setsockopt, EVERYBODY },
	{ SYS_getsockopt, EVERYBODY },
	{ SYS_clone, EVERYBODY },
	{ SYS_exit, EVERYBODY },
	{ SYS_wait4, EVERYBODY },
	{ SYS_uname, EVERYBODY },
	{ SYS_fcntl, EVERYBODY },
	{ SYS_flock, EVERYBODY },
	{ SYS_fsync, EVERYBODY },
	{ SYS_fdatasync, EVERYBODY },
	{ SYS_ftruncate, EVERYBODY },
	{ SYS_getcwd, EVERYBODY },
	{ SYS_fchmod, EVERYBODY },
	{ SYS_fchown, EVERYBODY },
	{ SYS_umask, EVERYBODY },
	{ SYS_gettimeofday, EVERYBODY },
	{ SYS_getrlimit, EVERYBODY },
	{ SYS_getrusage, EVERYBODY },
	{ SYS_sysinfo, EVERYBODY },
	{ SYS_times, EVERYBODY },
	{ SYS_getuid, EVERYBODY },
	{ SYS_getgid, EVERYBODY },
	{ SYS_geteuid, EVERYBODY },
	{ SYS_getegid, EVERYBODY },
	{ SYS_getppid, EVERYBODY },
	{ SYS_getgroups, EVERYBODY },
	{ SYS_getresuid, EVERYBODY },
	{ SYS_getresgid, EVERYBODY },
	{ SYS_capget, EVERYBODY },
	{ SYS_rt_sigpending, EVERYBODY },
	{ SYS_rt_sigtimedwait, EVERYBODY },
	{ SYS_rt_sigsuspend, EVERYBODY },
	{ SYS_sigaltstack, EVERYBODY },
	{ SYS_statfs, EVERYBODY },
	{ SYS_fstatfs, EVERYBODY },
	{ SYS_getpriority, EVERYBODY },
	{ SYS_setpriority, EVERYBODY },
	{ SYS_sched_setparam, EVERYBODY },
	{ SYS_sched_getparam, EVERYBODY },
	{ SYS_sched_setscheduler, EVERYBODY },
	{ SYS_sched_getscheduler, EVERYBODY },
	{ SYS_sched_get_priority_max, EVERYBODY },
	{ SYS_sched_get_priority_min, EVERYBODY },
	{ SYS_mlock, EVERYBODY },
	{ SYS_prctl, EVERYBODY },
	{ SYS_gettid, EVERYBODY },
	{ SYS_futex, EVERYBODY },
	{ SYS_sched_setaffinity, EVERYBODY },
	{ SYS_sched_getaffinity, EVERYBODY },
	{ SYS_getdents64, EVERYBODY },
	{ SYS_set_tid_address, EVERYBODY },
	{ SYS_restart_syscall, EVERYBODY },
	{ SYS_clock_gettime, EVERYBODY },
	{ SYS_clock_getres, EVERYBODY },
	{ SYS_clock_nanosleep, EVERYBODY },
	{ SYS_exit_group, EVERYBODY },
	{ SYS_epoll_ctl, EVERYBODY },
	{ SYS_tgkill, EVERYBODY },
	{ SYS_waitid, EVERYBODY },
	{ SYS_ioprio_set, EVERYBODY },
	{ SYS_ioprio_get, EVERYBODY },
	{ SYS_openat, EVERYBODY },
	{ SYS_mkdirat, EVERYBODY },
	{ SYS_fchownat, EVERYBODY },
	{ SYS_newfstatat, EVERYBODY },
	{ SYS_unlinkat, EVERYBODY },
	{ SYS_renameat, EVERYBODY },
	{ SYS_readlinkat, EVERYBODY },
	{ SYS_fchmodat, EVERYBODY },
	{ SYS_faccessat, EVERYBODY },
	{ SYS_pselect6, EVERYBODY },
	{ SYS_ppoll, EVERYBODY },
	{ SYS_set_robust_list, EVERYBODY },
	{ SYS_get_robust_list, EVERYBODY },
	{ SYS_sync_file_range, EVERYBODY },
	{ SYS_utimensat, EVERYBODY },
	{ SYS_epoll_pwait, EVERYBODY },
	{ SYS_timerfd_create, EVERYBODY },
	{ SYS_fallocate, EVERYBODY },
	{ SYS_timerfd_settime, EVERYBODY },
	{ SYS_timerfd_gettime, EVERYBODY },
	{ SYS_signalfd4, EVERYBODY },
	{ SYS_eventfd2, EVERYBODY },
	{ SYS_epoll_create1, EVERYBODY },
	{ SYS_dup3, EVERYBODY },
	{ SYS_pipe2, EVERYBODY },
	{ SYS_preadv, EVERYBODY },
	{ SYS_pwritev, EVERYBODY },
	{ SYS_recvmmsg, EVERYBODY },
	{ SYS_prlimit64, EVERYBODY },
	{ SYS_sendmmsg, EVERYBODY },
	{ SYS_sched_setattr, EVERYBODY },
	{ SYS_sched_getattr, EVERYBODY },
	{ SYS_renameat2, EVERYBODY },
	{ SYS_getrandom, EVERYBODY },
	{ SYS_membarrier, EVERYBODY },
	{ SYS_preadv2, EVERYBODY },
	{ SYS_pwritev2, EVERYBODY },
	{ SYS_statx, EVERYBODY },
	{ SYS_rseq, EVERYBODY },
	{ SYS_close_range, EVERYBODY },
	{ SYS_faccessat2, EVERYBODY },
	{ SYS_epoll_pwait2, EVERYBODY },
	{ SYS_io_uring_setup, RECORDERS },
	{ SYS_io_uring_enter, RECORDERS },
	{ SYS_io_uring_register, RECORDERS },
	{ SYS_sendfile, PLUGINS },
	{ SYS_connect, PLUGINS },
	{ SYS_socketpair, PLUGINS },
	{ SYS_execve, PLUGINS },
	{ SYS_kill, PLUGINS },
	{ SYS_truncate, PLUGINS },
	{ SYS_chdir, PLUGINS },
	{ SYS_fchdir, PLUGINS },
	{ SYS_setuid, PLUGINS },
	{ SYS_setgid, PLUGINS },
	{ SYS_setpgid, PLUGINS },
	{ SYS_setsid, PLUGINS },
	{ SYS_setreuid, PLUGINS },
	{ SYS_setregid, PLUGINS },
	{ SYS_setgroups, PLUGINS },
	{ SYS_setresuid, PLUGINS },
	{ SYS_setresgid, PLUGINS },
	{ SYS_getpgid, PLUGINS },
	{ SYS_setfsuid, PLUGINS },
	{ SYS_setfsgid, PLUGINS },
	{ SYS_getsid, PLUGINS },
	{ SYS_capset, PLUGINS },
	{ SYS_munlock, PLUGINS },
	{ SYS_setrlimit, PLUGINS },
	{ SYS_readahead, PLUGINS },
	{ SYS_getxattr, PLUGINS },
	{ SYS_lgetxattr, PLUGINS },
	{ SYS_fgetxattr, PLUGINS },
	{ SYS_listxattr, PLUGINS },
	{ SYS_llistxattr, PLUGINS },
	{ SYS_flistxattr, PLUGINS },
	{ SYS_tkill, PLUGINS },
	{ SYS_fadvise64, PLUGINS },
	{ SYS_linkat, PLUGINS },
	{ SYS_symlinkat, PLUGINS },
	{ SYS_seccomp, PLUGINS },
	{ SYS_copy_file_range, PLUGINS },
	{ SYS_pidfd_send_signal, PLUGINS },
	{ SYS_pidfd_open, PLUGINS },
	{ SYS_openat2, PLUGINS },
	{ SYS_landlock_create_ruleset, PLUGINS },
	{ SYS_landlock_add_rule, PLUGINS },
	{ SYS_landlock_restrict_self, PLUGINS },
	{ SYS_shmget, CALLS_ANY },
	{ SYS_shmat, CALLS_ANY },
	{ SYS_shmctl, CALLS_ANY },
	{ SYS_getitimer, CALLS_ANY },
	{ SYS_setitimer, CALLS_ANY },
	{ SYS_accept, CALLS_ANY },
	{ SYS_listen, CALLS_ANY },
	{ SYS_semget, CALLS_ANY },
	{ SYS_semop, CALLS_ANY },
	{ SYS_semctl, CALLS_ANY },
	{ SYS_shmdt, CALLS_ANY },
	{ SYS_msgget, CALLS_ANY },
	{ SYS_msgsnd, CALLS_ANY },
	{ SYS_msgrcv, CALLS_ANY },
	{ SYS_msgctl, CALLS_ANY },
	{ SYS_rt_sigqueueinfo, CALLS_ANY },
	{ SYS_sched_rr_get_interval, CALLS_ANY },
	{ SYS_mlockall, CALLS_ANY },
	{ SYS_munlockall, CALLS_ANY },
	{ SYS_sync, CALLS_ANY },
	{ SYS_setxattr, CALLS_ANY },
	{ SYS_lsetxattr, CALLS_ANY },
	{ SYS_fsetxattr, CALLS_ANY },
	{ SYS_removexattr, CALLS_ANY },
	{ SYS_lremovexattr, CALLS_ANY },
	{ SYS_fremovexattr, CALLS_ANY },
	{ SYS_remap_file_pages, CALLS_ANY },
	{ SYS_semtimedop, CALLS_ANY },
	{ SYS_timer_create, CALLS_ANY },
	{ SYS_timer_settime, CALLS_ANY },
	{ SYS_timer_gettime, CALLS_ANY },
	{ SYS_timer_getoverrun, CALLS_ANY },
	{ SYS_timer_delete, CALLS_ANY },
	{ SYS_mbind, CALLS_ANY },
	{ SYS_set_mempolicy, CALLS_ANY },
	{ SYS_get_mempolicy, CALLS_ANY },
	{ SYS_mq_open, CALLS_ANY },
	{ SYS_mq_unlink, CALLS_ANY },
	{ SYS_mq_timedsend, CALLS_ANY },
	{ SYS_mq_timedreceive, CALLS_ANY },
	{ SYS_mq_notify, CALLS_ANY },
	{ SYS_mq_getsetattr, CALLS_ANY },
	{ SYS_inotify_add_watch, CALLS_ANY },
	{ SYS_inotify_rm_watch, CALLS_ANY },
	{ SYS_mknodat, CALLS_ANY },
	{ SYS_splice, CALLS_ANY },
	{ SYS_tee, CALLS_ANY },
	{ SYS_vmsplice, CALLS_ANY },
	{ SYS_accept4, CALLS_ANY },
	{ SYS_inotify_init1, CALLS_ANY },
	{ SYS_rt_tgsigqueueinfo, CALLS_ANY },
	{ SYS_syncfs, EVERYBODY },
	{ SYS_getcpu, CALLS_ANY },
	{ SYS_memfd_create, CALLS_ANY },
	{ SYS_execveat, CALLS_ANY },
	{ SYS_mlock2, CALLS_ANY },
	{ SYS_pkey_mprotect, CALLS_ANY },
	{ SYS_pkey_alloc, CALLS_ANY },
	{ SYS_pkey_free, CALLS_ANY },
	{ SYS_futex_waitv, CALLS_ANY },
	{ SYS_open_tree, CALLS_MOUNT_CLONE },
	{ SYS_fsopen, CALLS_MOUNT_CLONE },
	{ SYS_fsconfig, CALLS_MOUNT_CLONE },
	{ SYS_fsmount, CALLS_MOUNT_CLONE },
	{ SYS_mount_setattr, CALLS_MOUNT_CLONE },
	{ SYS_perf_event_open, CALLS_BPF },
	{ SYS_bpf, CALLS_BPF },
	{ SYS_cachestat, CALLS_ANY },
	{ SYS_fchmodat2, CALLS_ANY },
	{ SYS_futex_wake, EVERYBODY },
	{ SYS_futex_wait, EVERYBODY },
	{ SYS_futex_requeue, EVERYBODY },
	{ SYS_statmount, PLUGINS },
	{ SYS_listmount, PLUGINS },
	{ SYS_mseal, CALLS_ANY },
	{ SYS_getxattrat, PLUGINS },
	{ SYS_listxattrat, PLUGINS },
	{ SYS_file_getattr, PLUGINS },
	{ SYS_clock_adjtime,
	  RECORDERS }, /* reads how sure the clock is; setting it needs sys_time */
#ifdef SYS_open        /* of the first machines: newer ones have the newer form alone */
	{ SYS_open, EVERYBODY },
	{ SYS_stat, EVERYBODY },
	{ SYS_lstat, EVERYBODY },
	{ SYS_poll, EVERYBODY },
	{ SYS_access, EVERYBODY },
	{ SYS_pipe, EVERYBODY },
	{ SYS_select, EVERYBODY },
	{ SYS_dup2, EVERYBODY },
	{ SYS_getdents, EVERYBODY },
	{ SYS_rename, EVERYBODY },
	{ SYS_mkdir, EVERYBODY },
	{ SYS_rmdir, EVERYBODY },
	{ SYS_creat, EVERYBODY },
	{ SYS_unlink, EVERYBODY },
	{ SYS_readlink, EVERYBODY },
	{ SYS_chmod, EVERYBODY },
	{ SYS_chown, EVERYBODY },
	{ SYS_lchown, EVERYBODY },
	{ SYS_arch_prctl, EVERYBODY },
	{ SYS_time, EVERYBODY },
	{ SYS_epoll_wait, EVERYBODY },
	{ SYS_signalfd, EVERYBODY },
	{ SYS_eventfd, EVERYBODY },
	{ SYS_alarm, PLUGINS },
	{ SYS_fork, PLUGINS },
	{ SYS_vfork, PLUGINS },
	{ SYS_link, PLUGINS },
	{ SYS_symlink, PLUGINS },
	{ SYS_getpgrp, PLUGINS },
	{ SYS_utime, PLUGINS },
	{ SYS_epoll_create, PLUGINS },
	{ SYS_utimes, PLUGINS },
	{ SYS_futimesat, PLUGINS },
	{ SYS_pause, CALLS_ANY },
	{ SYS_mknod, CALLS_ANY },
	{ SYS_inotify_init, CALLS_ANY },
#endif
};

unsigned seccomp_call_sets(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i].number == number)
			return calls[i].sets;
	return 0;
}
