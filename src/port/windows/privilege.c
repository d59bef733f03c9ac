/* Rights are those of the token: an administrator's or not.  There are no capabilities to keep or
 * drop, and no other user to become without a password. */
#include "port/port.h"
#include "port/windows/win.h"

#include <stdio.h>

/* Membership that is enabled now: false for an administrator who was not elevated.  (wine says of
 * TokenElevation that nobody is.) */
bool win_is_administrator(void)
{
	SID_IDENTIFIER_AUTHORITY nt = { SECURITY_NT_AUTHORITY };
	BOOL is_member = FALSE;
	PSID group;

	if (!AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID,
				      DOMAIN_ALIAS_RID_ADMINS, 0, 0, 0, 0, 0, 0, &group))
		return false;
	if (!CheckTokenMembership(NULL, group, &is_member))
		is_member = FALSE;
	(void)FreeSid(group);
	return is_member;
}

bool port_have_capability(const char *name)
{
	(void)name;
	return win_is_administrator();
}

int port_lacks_capability(const char *name, struct weir_error *err)
{
	(void)name;
	return err_set(
		err, WEIR_ERR_PRIVILEGE,
		"recording needs an administrator: start it from a console that was "
		"opened with 'Run as administrator'");
}

int port_user_find(const char *name, struct port_user *user, struct weir_error *err)
{
	(void)user;
	return err_set(err, WEIR_ERR_ABSENT,
		       "cannot become user '%s': not possible on Windows", name);
}

int port_drop(const struct port_user *user, const char *keep, struct weir_error *err)
{
	(void)keep;
	if (!user)
		return 0;
	return err_set(err, WEIR_ERR_UNSUPPORTED,
		       "cannot become user '%s': not possible on Windows", user->name);
}

void port_privileges(char *text, size_t size)
{
	(void)snprintf(text, size, "%s", win_is_administrator() ? "administrator" : "");
}
