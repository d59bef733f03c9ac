/* The calls of POSIX that shared code makes, on Windows: included before everything else by the
 * build, where it takes the place of <unistd.h>, <fcntl.h>, <sys/stat.h> and their kin (include/ has
 * empty files of those names).
 *
 * It is no emulation of a Unix, but a short list: files and folders by descriptor and name, and what
 * the tests use besides.  What is not declared here does not compile, and belongs into port.h.
 *
 * Descriptors are those of the C run-time, so that its streams work on them; a folder has one too.
 * Paths are UTF-8 (WTF-8: an unpaired surrogate survives), '/' and '\' separate, and become \\?\
 * paths of any length.  Files are opened for sharing with everybody, deletion included, never
 * inherited, always binary; a link in the last component is not followed where O_NOFOLLOW says so.
 * Errors are -1 and errno, as in POSIX; GetLastError() becomes an errno in error.c.
 * The names are macros, so that the functions of the C run-time of the same name stay reachable for
 * libraries and never clash. */
#ifndef WEIR_PORT_WINDOWS_POSIX_H
#define WEIR_PORT_WINDOWS_POSIX_H

/* Whatever declares one of the names below comes first. */
#include <errno.h>
#include <io.h>
#include <process.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <wchar.h>

typedef uint32_t uid_t;
typedef uint32_t gid_t;

#ifndef EDQUOT
# define EDQUOT 222
#endif
#ifndef ESTALE
# define ESTALE 223
#endif

/* One number each, as on Linux. */
#undef EWOULDBLOCK
#undef ENOTSUP
#define EWOULDBLOCK EAGAIN
#define ENOTSUP     EOPNOTSUPP

/* Descriptors and files. */
#undef O_RDONLY
#undef O_WRONLY
#undef O_RDWR
#undef O_APPEND
#undef O_CREAT
#undef O_TRUNC
#undef O_EXCL
#define O_RDONLY    0
#define O_WRONLY    1
#define O_RDWR      2
#define O_ACCMODE   3
#define O_APPEND    0x8
#define O_CREAT     0x100
#define O_TRUNC     0x200
#define O_EXCL      0x400
#define O_DIRECTORY 0x1000
#define O_NOFOLLOW  0x2000
#define O_DIRECT    0x4000 /* refused */
#define O_CLOEXEC   0      /* always */
#define O_NOCTTY    0
#define O_NONBLOCK  0
#define O_NOATIME   0

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR        0x200
#define AT_EACCESS          0x400

#undef F_OK
#undef W_OK
#undef R_OK
#undef X_OK
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4

#define F_DUPFD_CLOEXEC 1030
#define F_GETFL         3
#define F_SETFL         4
#define F_GETFD         1

#define FALLOC_FL_KEEP_SIZE 1

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#undef STDIN_FILENO
#undef STDOUT_FILENO
#undef STDERR_FILENO
#define STDIN_FILENO  0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2

#undef S_IFMT
#undef S_IFDIR
#undef S_IFCHR
#undef S_IFBLK
#undef S_IFREG
#undef S_IFIFO
#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFLNK  0120000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000
#define S_ISUID  04000
#define S_ISGID  02000
#define S_ISVTX  01000
#undef S_ISDIR
#undef S_ISREG
#undef S_ISCHR
#undef S_ISFIFO
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)

struct weir_stat {
	uint64_t st_dev, st_ino;
	uint32_t st_mode, st_nlink, st_uid, st_gid;
	int64_t st_size, st_blocks;
	struct timespec st_atim, st_mtim, st_ctim;
};

int weir_open(const char *path, int flags, ...);
int weir_openat(int dir, const char *name, int flags, ...);
int weir_close(int fd);
ssize_t weir_read(int fd, void *bytes, size_t length);
ssize_t weir_write(int fd, const void *bytes, size_t length);
ssize_t weir_pread(int fd, void *bytes, size_t length, off_t at);
ssize_t weir_pwrite(int fd, const void *bytes, size_t length, off_t at);
off_t weir_lseek(int fd, off_t at, int whence);
int weir_ftruncate(int fd, off_t length);
int weir_fsync(int fd);
/* The volume that holds fd, where that may be had; else the file alone. */
int weir_syncfs(int fd);
int weir_fallocate(int fd, int mode, off_t at, off_t length);
/* The whole file; LOCK_NB always. */
int weir_flock(int fd, int operation);
int weir_fcntl(int fd, int command, ...);
int weir_dup(int fd);
int weir_isatty(int fd);
int weir_fstat(int fd, struct weir_stat *st);
int weir_fstatat(int dir, const char *name, struct weir_stat *st, int flags);
int weir_stat(const char *path, struct weir_stat *st);
int weir_lstat(const char *path, struct weir_stat *st);
int weir_faccessat(int dir, const char *name, int mode, int flags);
int weir_access(const char *path, int mode);
/* Rights are the folder's, by inheritance: the modes and owners of POSIX change nothing. */
int weir_fchown(int fd, uid_t uid, gid_t gid);
int weir_fchmod(int fd, unsigned mode);
int weir_chmod(const char *path, unsigned mode);

/* Names. */
int weir_unlinkat(int dir, const char *name, int flags);
int weir_unlink(const char *path);
int weir_rmdir(const char *path);
int weir_mkdir(const char *path, unsigned mode);
int weir_mkdirat(int dir, const char *name, unsigned mode);
int weir_rename(const char *from, const char *to);
int weir_renameat(int from_dir, const char *from, int to_dir, const char *to);
int weir_link(const char *from, const char *to);
char *weir_mkdtemp(char *path);
int weir_mkstemp(char *path);
FILE *weir_fopen(const char *path, const char *mode);
FILE *weir_fdopen(int fd, const char *mode);

enum {
	DT_UNKNOWN = 0,
	DT_FIFO = 1,
	DT_CHR = 2,
	DT_DIR = 4,
	DT_BLK = 6,
	DT_REG = 8,
	DT_LNK = 10,
	DT_SOCK = 12,
};

struct weir_dirent {
	unsigned char d_type;
	char d_name[768]; /* 255 units, three bytes each */
};

struct weir_folder;
struct weir_folder *weir_fdopendir(int fd);
struct weir_folder *weir_opendir(const char *path);
struct weir_dirent *weir_readdir(struct weir_folder *d);
int weir_closedir(struct weir_folder *d);

/* Stable, like glibc's: ties fall the same way on both systems. */
void weir_qsort(void *base, size_t count, size_t size,
		int (*compare)(const void *, const void *));
void weir_qsort_r(void *base, size_t count, size_t size,
		  int (*compare)(const void *, const void *, void *), void *arg);
char *weir_strerror(int number);
int weir_inet_pton(int family, const char *text, void *address);
const char *weir_inet_ntop(int family, const void *address, char *text, size_t size);
int weir_setenv(const char *name, const char *value, int overwrite);
int weir_unsetenv(const char *name);
/* UTF-8; lent, and stays as it is even where the variable changes. */
char *weir_getenv(const char *name);
char *weir_strcasestr(const char *text, const char *word);
void *weir_memmem(const void *text, size_t size, const void *word, size_t length);
char *weir_strchrnul(const char *text, int c);
int weir_pipe(int fds[2]);
int weir_usleep(unsigned us);
/* Symbolic links and FIFOs are not made here: ENOSYS. */
int weir_symlink(const char *target, const char *path);
int weir_mkfifoat(int dir, const char *name, unsigned mode);
struct tm *weir_gmtime_r(const time_t *t, struct tm *tm);

struct weir_pollfd {
	int fd;
	short events, revents;
};

enum {
	WEIR_POLLIN = 1,
	WEIR_POLLOUT = 4,
	WEIR_POLLERR = 8,
	WEIR_POLLHUP = 16,
};

int weir_poll(struct weir_pollfd *fds, unsigned count, int timeout_ms);

/* The files of port/windows do without. */
#ifndef WEIR_PORT_WINDOWS_PLAIN
# define AF_INET          2
# define AF_INET6         23
# define INET_ADDRSTRLEN  16
# define INET6_ADDRSTRLEN 46
# undef stat
# undef fstat
# undef lseek
# undef ftruncate
# define open       weir_open
# define openat     weir_openat
# define close      weir_close
# define read       weir_read
# define write      weir_write
# define pread      weir_pread
# define pwrite     weir_pwrite
# define lseek      weir_lseek
# define ftruncate  weir_ftruncate
# define fsync      weir_fsync
# define fdatasync  weir_fsync
# define syncfs     weir_syncfs
# define fallocate  weir_fallocate
# define flock      weir_flock
# define fcntl      weir_fcntl
# define dup        weir_dup
# define isatty     weir_isatty
# define stat       weir_stat
# define fstat      weir_fstat
# define fstatat    weir_fstatat
# define lstat      weir_lstat
# define faccessat  weir_faccessat
# define access     weir_access
# define fchown     weir_fchown
# define fchmod     weir_fchmod
# define chmod      weir_chmod
# define unlinkat   weir_unlinkat
# define unlink     weir_unlink
# define rmdir      weir_rmdir
# define mkdir      weir_mkdir
# define mkdirat    weir_mkdirat
# define rename     weir_rename
# define renameat   weir_renameat
# define link       weir_link
# define mkdtemp    weir_mkdtemp
# define mkstemp    weir_mkstemp
# define fopen      weir_fopen
# define fdopen     weir_fdopen
# define dirent     weir_dirent
# define DIR        struct weir_folder
# define fdopendir  weir_fdopendir
# define opendir    weir_opendir
# define readdir    weir_readdir
# define closedir   weir_closedir
# define qsort      weir_qsort
# define qsort_r    weir_qsort_r
# define strerror   weir_strerror
# define inet_pton  weir_inet_pton
# define inet_ntop  weir_inet_ntop
# define setenv     weir_setenv
# define getenv     weir_getenv
# define unsetenv   weir_unsetenv
# define strcasestr weir_strcasestr
# define memmem     weir_memmem
# define strchrnul  weir_strchrnul
# undef gmtime_r
# define gmtime_r weir_gmtime_r
# define pipe     weir_pipe
# define usleep   weir_usleep
# define symlink  weir_symlink
# define mkfifoat weir_mkfifoat
# define pollfd   weir_pollfd
# define poll     weir_poll
# define POLLIN   WEIR_POLLIN
# define POLLOUT  WEIR_POLLOUT
# define POLLERR  WEIR_POLLERR
# define POLLHUP  WEIR_POLLHUP
/* io.h has a function of this name, which nobody here means. */
# define tell weir_tell
# undef strdup
# define strdup _strdup
# undef fileno
# define fileno _fileno
# undef getpid
# define getpid _getpid
# undef strcasecmp
# define strcasecmp _stricmp
# undef strncasecmp
# define strncasecmp _strnicmp
/* The C run-time calls wmain() (start.c), which turns the arguments into UTF-8. */
# define main weir_main
#endif

#endif
