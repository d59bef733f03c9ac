#include "filesystem/capability.h"

#include "base/cursor.h"

#include <stdio.h>

static const char *const names[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

bool capability_decode(const void *bytes, size_t length, struct capability *c)
{
	struct cursor cur;
	uint32_t magic, permitted, inheritable;

	cur_init(&cur, bytes, length);
	magic = cur_u32le(&cur);
	permitted = cur_u32le(&cur);
	inheritable = cur_u32le(&cur);
	*c = (struct capability){ .revision = magic >> 24,
				  .is_effective = magic & 1,
				  .permitted = permitted,
				  .inheritable = inheritable };
	if (c->revision < 1 || c->revision > 3)
		return false;
	if (c->revision > 1) {
		c->permitted |= (uint64_t)cur_u32le(&cur) << 32;
		c->inheritable |= (uint64_t)cur_u32le(&cur) << 32;
	}
	if (c->revision == 3) {
		c->has_root = true;
		c->root = cur_u32le(&cur);
	}
	return !cur.is_bad && !cur_left(&cur);
}

/* Those of a set, then how they are held. */
static size_t append_set(char *text, size_t used, uint64_t set, const char *how)
{
	bool is_first = true;

	for (unsigned bit = 0; bit < 64; bit++) {
		int n;

		if (!(set >> bit & 1))
			continue;
		if (bit < ARRAY_LEN(names))
			n = snprintf(text + used, CAPABILITY_TEXT - used, "%scap_%s",
				     !is_first ? ","
				     : used    ? " "
					       : "",
				     names[bit]);
		else
			n = snprintf(text + used, CAPABILITY_TEXT - used, "%s%u",
				     !is_first ? ","
				     : used    ? " "
					       : "",
				     bit);
		used += n > 0 ? (size_t)n : 0;
		is_first = false;
	}
	if (!is_first) {
		int n = snprintf(text + used, CAPABILITY_TEXT - used, "=%s", how);

		used += n > 0 ? (size_t)n : 0;
	}
	return used;
}

void capability_text(const struct capability *c, char text[CAPABILITY_TEXT])
{
	uint64_t both = c->permitted & c->inheritable;
	size_t used = 0;

	text[0] = '\0';
	used = append_set(text, used, both, c->is_effective ? "eip" : "ip");
	used = append_set(text, used, c->permitted & ~both, c->is_effective ? "ep" : "p");
	(void)append_set(text, used, c->inheritable & ~both,
			 c->is_effective ? "ei" : "i");
}
