/* Landlock: a plugin writes and executes only where it must (linux/landlock.h; the constants of newer
 * interfaces are spelled out here, because the headers that we build with may be older). */
#include "port/linux/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
# define SYS_landlock_create_ruleset 444
# define SYS_landlock_add_rule       445
# define SYS_landlock_restrict_self  446
#endif

enum {
	RULESET_VERSION = 1,
	RULE_PATH_BENEATH = 1,
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_TCP = 4,
	ABI_DEVICES = 5,
	ABI_SCOPES = 6,
};

#define FS_EXECUTE    (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE  (UINT64_C(1) << 2)
#define FS_READ_DIR   (UINT64_C(1) << 3)
#define FS_REMOVE     (UINT64_C(3) << 4)    /* directories, files */
#define FS_MAKE       (UINT64_C(0x7f) << 6) /* of all kinds */
#define FS_REFER      (UINT64_C(1) << 13)
#define FS_TRUNCATE   (UINT64_C(1) << 14)
#define FS_DEVICES    (UINT64_C(1) << 15) /* ioctl */
#define TCP_BOTH      UINT64_C(3)         /* bind, connect */
#define SCOPE_BOTH    UINT64_C(3)         /* abstract Unix sockets, signals */

#define FS_READ  (FS_READ_FILE | FS_READ_DIR)
#define FS_WRITE (FS_WRITE_FILE | FS_REMOVE | FS_MAKE | FS_REFER | FS_TRUNCATE)

/* As the kernel's struct landlock_ruleset_attr; an older one takes a shorter one. */
struct ruleset {
	uint64_t files, tcp, scopes;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static struct ruleset ruleset_for(const struct sandbox_rules *rules, int abi)
{
	struct ruleset r = { .files = FS_EXECUTE | FS_WRITE };

	if (rules->readable)
		r.files |= FS_READ;
	if (abi < ABI_REFER)
		r.files &= ~FS_REFER;
	if (abi < ABI_TRUNCATE)
		r.files &= ~FS_TRUNCATE;
	if (abi >= ABI_TCP && rules->network != SANDBOX_NETWORK_ALL)
		r.tcp = TCP_BOTH;
	if (abi >= ABI_SCOPES)
		r.scopes = SCOPE_BOTH;
	return r;
}

static size_t ruleset_size(int abi)
{
	return abi >= ABI_SCOPES ? sizeof(struct ruleset)
	       : abi >= ABI_TCP  ? 2 * sizeof(uint64_t)
				 : sizeof(uint64_t);
}

/* Rights of a directory do not fit a file. */
static uint64_t fitting(int fd, uint64_t rights)
{
	struct stat st;

	if (!fstat(fd, &st) && !S_ISDIR(st.st_mode))
		rights &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE |
			  FS_DEVICES;
	return rights;
}

static int allow(int set, const char *path, uint64_t rights, struct weir_error *err)
{
	struct path_rule rule = { .fd = open(path, O_PATH | O_CLOEXEC) };
	int rc = 0;

	if (rule.fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "cannot open '%s'", path);
	rule.allowed = fitting(rule.fd, rights);
	if (rule.allowed &&
	    syscall(SYS_landlock_add_rule, set, RULE_PATH_BENEATH, &rule, 0U))
		rc = err_sys(err, "cannot allow '%s'", path);
	(void)close(rule.fd);
	return rc;
}

static int allow_list(int set, const char *const *paths, uint64_t rights,
		      struct weir_error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && paths && paths[i]; i++)
		rc = allow(set, paths[i], rights, err);
	return rc;
}

static int fill(int set, const struct sandbox_rules *rules, uint64_t handled,
		struct weir_error *err)
{
	uint64_t read = handled & FS_READ, write = handled & FS_WRITE;
	int rc = allow_list(set, rules->writable, write | read, err);

	if (!rc)
		rc = allow_list(set, rules->executable, FS_EXECUTE | read, err);
	if (!rc)
		rc = allow_list(set, rules->readable, read, err);
	if (!rc)
		rc = allow(set, "/dev/null", (FS_WRITE_FILE & handled) | read, err);
	return rc;
}

int landlock_enter(const struct sandbox_rules *rules, int *abi, char *words,
		   struct weir_error *err)
{
	struct ruleset r;
	int set, rc;

	*abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0UL, RULESET_VERSION);
	if (*abi < 1) {
		*abi = 0;
		return err_set(err, WEIR_ERR_PRIVILEGE, "this kernel has no Landlock");
	}
	r = ruleset_for(rules, *abi);
	set = (int)syscall(SYS_landlock_create_ruleset, &r, ruleset_size(*abi), 0U);
	if (set < 0)
		return err_sys(err, "cannot make a Landlock ruleset");
	rc = fill(set, rules, r.files, err);
	if (!rc && (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) ||
		    syscall(SYS_landlock_restrict_self, set, 0U)))
		rc = err_sys(err, "cannot enter the Landlock ruleset");
	(void)close(set);
	(void)snprintf(words, SANDBOX_WORDS, "landlock abi %d: %swrite, execute%s%s",
		       *abi, rules->readable ? "read, " : "", r.tcp ? ", tcp" : "",
		       r.scopes ? ", signals, abstract sockets" : "");
	return rc;
}
