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

/* Off until they are asked for, in an administrator's token as in the system's. */
static const wchar_t *const privileges[] = {
	[WIN_BACKUP] = L"SeBackupPrivilege", [WIN_DEBUG] = L"SeDebugPrivilege"
};

bool win_has_privilege(enum win_privilege privilege)
{
	PRIVILEGE_SET set = { .PrivilegeCount = 1,
			      .Control = PRIVILEGE_SET_ALL_NECESSARY };
	BOOL has = FALSE;
	HANDLE token;

	if (!LookupPrivilegeValueW(NULL, privileges[privilege], &set.Privilege[0].Luid) ||
	    !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return false;
	if (!PrivilegeCheck(token, &set, &has))
		has = FALSE;
	(void)CloseHandle(token);
	return has;
}

/* What a token has not got is no failure of the call: so it is looked at. */
static void enable(enum win_privilege privilege)
{
	TOKEN_PRIVILEGES one = { .PrivilegeCount = 1 };
	HANDLE token;

	one.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
	if (!LookupPrivilegeValueW(NULL, privileges[privilege],
				   &one.Privileges[0].Luid) ||
	    !OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES, &token))
		return;
	(void)AdjustTokenPrivileges(token, FALSE, &one, 0, NULL, NULL);
	(void)CloseHandle(token);
}

static BOOL CALLBACK enable_once(PINIT_ONCE once, void *arg, void **context)
{
	(void)once;
	(void)context;
	enable(*(enum win_privilege *)arg);
	return TRUE;
}

void win_use_privilege(enum win_privilege privilege)
{
	static INIT_ONCE once[] = { INIT_ONCE_STATIC_INIT, INIT_ONCE_STATIC_INIT };

	(void)InitOnceExecuteOnce(&once[privilege], enable_once, &privilege, NULL);
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
	size_t used = (size_t)snprintf(text, size, "%s",
				       win_is_administrator() ? "administrator" : "");

	for (unsigned i = 0; i < ARRAY_LEN(privileges) && used < size; i++)
		if (win_has_privilege(i))
			used += (size_t)snprintf(text + used, size - used, "%s%ls",
						 used ? "," : "", privileges[i]);
}
