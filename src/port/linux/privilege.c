#include "port/linux/caps.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The capabilities weir ever names; see capabilities(7). */
static const struct {
	const char *name;
	unsigned bit;
} caps[] = {
	{ "chown", CAP_CHOWN },
	{ "dac_override", CAP_DAC_OVERRIDE },
	{ "kill", CAP_KILL },
	{ "setgid", CAP_SETGID },
	{ "setuid", CAP_SETUID },
	{ "net_admin", CAP_NET_ADMIN },
	{ "net_raw", CAP_NET_RAW },
	{ "sys_nice", CAP_SYS_NICE },
	{ "sys_admin", CAP_SYS_ADMIN },
	{ "sys_ptrace", CAP_SYS_PTRACE },
	{ "sys_resource", CAP_SYS_RESOURCE },
	{ "bpf", CAP_BPF },
	{ "fowner", CAP_FOWNER },
	{ "dac_read_search", CAP_DAC_READ_SEARCH },
	{ "perfmon", CAP_PERFMON },
};

struct cap_sets {
	struct __user_cap_data_struct data[2];
};

static int cap_get(struct cap_sets *s)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &h, s->data);
}

static int cap_set(const struct cap_sets *s)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capset, &h, s->data);
}

static bool has_bit(const struct cap_sets *s, unsigned bit)
{
	return s->data[bit / 32].effective >> (bit % 32) & 1;
}

bool port_have_capability(const char *name)
{
	struct cap_sets s;

	if (cap_get(&s))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(caps); i++)
		if (!strcmp(caps[i].name, name))
			return has_bit(&s, caps[i].bit);
	return false;
}

int port_lacks_capability(const char *name, struct weir_error *err)
{
	return err_set(
		err, WEIR_ERR_PRIVILEGE,
		"recording needs the capability cap_%s: run as root, or give it to the "
		"binary with 'setcap cap_%s+ep'",
		name, name);
}

int port_user_find(const char *name, struct port_user *user, struct weir_error *err)
{
	FILE *f = fopen("/etc/passwd", "re");
	struct passwd *p;
	bool is_number = isdigit((unsigned char)name[0]);
	uint32_t wanted = is_number ? (uint32_t)strtoul(name, NULL, 10) : 0;
	int rc = WEIR_ERR_ABSENT;

	if (!f)
		return err_sys(err, "cannot look up user '%s': cannot open /etc/passwd",
			       name);
	while (rc && (p = fgetpwent(f)) != NULL) {
		if (is_number ? p->pw_uid != wanted : strcmp(p->pw_name, name) != 0)
			continue;
		user->uid = p->pw_uid;
		user->gid = p->pw_gid;
		(void)snprintf(user->name, sizeof user->name, "%s", p->pw_name);
		rc = 0;
	}
	(void)fclose(f);
	return rc ? err_set(err, WEIR_ERR_ABSENT, "there is no user '%s' in /etc/passwd",
			    name)
		  : 0;
}

int caps_parse(const char *keep, uint64_t *bits, struct weir_error *err)
{
	*bits = 0;
	while (*keep) {
		size_t n = strcspn(keep, ","), i;

		for (i = 0; i < ARRAY_LEN(caps); i++)
			if (strlen(caps[i].name) == n && !memcmp(caps[i].name, keep, n))
				break;
		if (i == ARRAY_LEN(caps))
			return err_set(err, WEIR_ERR_USAGE, "unknown capability '%.*s'",
				       (int)n, keep);
		*bits |= UINT64_C(1) << caps[i].bit;
		keep += n + (keep[n] == ',');
	}
	return 0;
}

int caps_become(const struct port_user *user, struct weir_error *err)
{
	if (geteuid() == user->uid && getegid() == user->gid)
		return 0;
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) || setgroups(0, NULL) ||
	    setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return err_sys(err, "cannot become user '%s'", user->name);
	return 0;
}

int port_drop(const struct port_user *user, const char *keep, struct weir_error *err)
{
	struct cap_sets have, want = { 0 };
	uint64_t bits;
	int rc = caps_parse(keep, &bits, err);

	if (rc)
		return rc;
	if (user && (rc = caps_become(user, err)) != 0)
		return rc;
	if (cap_get(&have))
		return err_sys(err, "cannot read the process's capabilities");
	for (unsigned i = 0; i < 2; i++) {
		uint32_t word = (uint32_t)(bits >> (32 * i)) & have.data[i].permitted;

		want.data[i].permitted = want.data[i].effective = word;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) || cap_set(&want))
		return err_sys(err, "cannot give up capabilities");
	if (cap_get(&have) || memcmp(&have, &want, sizeof want) != 0)
		return err_set(err, WEIR_ERR_PRIVILEGE,
			       "cannot give up capabilities: the kernel kept some");
	if (user && user->uid && !setuid(0))
		return err_set(err, WEIR_ERR_PRIVILEGE,
			       "cannot give up user 0: it came back");
	return 0;
}

void caps_format(uint64_t bits, char *text, size_t size)
{
	size_t used = 0;

	(void)snprintf(text, size, "none");
	for (size_t i = 0; i < ARRAY_LEN(caps) && used < size; i++)
		if (bits >> caps[i].bit & 1)
			used += (size_t)snprintf(text + used, size - used, "%s%s",
						 used ? "," : "", caps[i].name);
}

/* In the bounding set stays only what is wanted, where we may change it. */
static void bound(uint64_t bits)
{
	for (unsigned bit = 0; bit <= CAP_LAST_CAP; bit++)
		if (!(bits >> bit & 1))
			(void)prctl(PR_CAPBSET_DROP, (long)bit, 0L, 0L, 0L);
}

int caps_confine(uint64_t bits, uint64_t *held, struct weir_error *err)
{
	struct cap_sets have, want = { 0 };

	if (cap_get(&have))
		return err_sys(err, "cannot read the process's capabilities");
	/* A change of the user has put them to sleep; setpcap is needed once more. */
	for (unsigned i = 0; i < 2; i++)
		have.data[i].effective = have.data[i].permitted;
	if (cap_set(&have))
		return err_sys(err, "cannot use the process's capabilities");
	bound(bits);
	*held = 0;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t word = (uint32_t)(bits >> (32 * i)) & have.data[i].permitted;

		want.data[i].permitted = want.data[i].effective =
			want.data[i].inheritable = word;
		*held |= (uint64_t)word << (32 * i);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) || cap_set(&want) ||
	    prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L))
		return err_sys(err, "cannot give up capabilities");
	for (unsigned bit = 0; bit <= CAP_LAST_CAP; bit++)
		if (*held >> bit & 1 &&
		    prctl(PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)bit, 0L, 0L))
			return err_sys(err, "cannot keep a capability for the program");
	return 0;
}

void port_privileges(char *text, size_t size)
{
	struct cap_sets s;
	size_t used = 0;
	uint64_t all = 0;

	text[0] = '\0';
	if (cap_get(&s))
		return;
	for (unsigned bit = 0; bit <= CAP_LAST_CAP; bit++)
		all |= (uint64_t)has_bit(&s, bit) << bit;
	if (all == (UINT64_C(2) << CAP_LAST_CAP) - 1) {
		(void)snprintf(text, size, "all");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(caps) && used < size; i++) {
		if (has_bit(&s, caps[i].bit))
			used += (size_t)snprintf(text + used, size - used, "%s%s",
						 used ? "," : "", caps[i].name);
	}
}
