/* Restricted tokens: ours, with fewer privileges.  They can be had without a right of any kind, and
 * what runs with one cannot take back what it lacks. */
#include "base/mem.h"
#include "port/windows/spawn.h"

#include <errno.h>
#include <stdio.h>

enum {
	TOKEN_BYTES = 8192,
	NAME_UNITS = 64,
};

static bool is_kept(const char *keep, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = keep; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] != 0))
		if (strcspn(p, ",") == length && !_strnicmp(p, name, length))
			return true;
	return false;
}

static bool privilege_name(LUID *luid, char *name, size_t size)
{
	wchar_t wide[NAME_UNITS];
	DWORD units = ARRAY_LEN(wide);

	if (!LookupPrivilegeNameW(NULL, luid, wide, &units))
		return false;
	(void)snprintf(name, size, "%ls", wide);
	return true;
}

/* Every user has it: without it no folder above a file may be walked through. */
#define ALWAYS "SeChangeNotifyPrivilege"

static TOKEN_PRIVILEGES *read_privileges(HANDLE token)
{
	TOKEN_PRIVILEGES *all = mem_new(TOKEN_BYTES, 1);
	DWORD n;

	if (all && GetTokenInformation(token, TokenPrivileges, all, TOKEN_BYTES, &n))
		return all;
	mem_free(all);
	return NULL;
}

/* To the front those that are to go; how many. */
static DWORD choose(TOKEN_PRIVILEGES *all, const char *keep)
{
	char name[NAME_UNITS];
	DWORD count = 0;

	for (DWORD i = 0; i < all->PrivilegeCount; i++) {
		LUID_AND_ATTRIBUTES one = all->Privileges[i];

		if (privilege_name(&one.Luid, name, sizeof name) &&
		    (is_kept(keep, name) || !strcmp(name, ALWAYS)))
			continue;
		all->Privileges[count++] = one;
	}
	return count;
}

/* What the new token has, in words; false where it has more than it should. */
static bool look_at(HANDLE token, const char *keep, char *words, size_t size)
{
	TOKEN_PRIVILEGES *all = read_privileges(token);
	char name[NAME_UNITS];
	size_t used = (size_t)snprintf(words, size, "restricted token:");
	bool is_good = all != NULL;

	for (DWORD i = 0; all && i < all->PrivilegeCount; i++) {
		if (!privilege_name(&all->Privileges[i].Luid, name, sizeof name))
			(void)snprintf(name, sizeof name, "(unknown)");
		is_good = is_good && (is_kept(keep, name) || !strcmp(name, ALWAYS));
		if (used < size)
			used += (size_t)snprintf(words + used, size - used, " %s", name);
	}
	mem_free(all);
	return is_good;
}

static int fail(struct weir_error *err, const char *what)
{
	(void)win_fail();
	return err_sys(err, "no restricted token: cannot %s", what);
}

int token_restricted(const char *keep, HANDLE *token, char *words, size_t size,
		     struct weir_error *err)
{
	TOKEN_PRIVILEGES *all;
	HANDLE own;
	BOOL is_made;

	*token = NULL;
	if (!OpenProcessToken(GetCurrentProcess(),
			      TOKEN_DUPLICATE | TOKEN_QUERY | TOKEN_ASSIGN_PRIMARY, &own))
		return fail(err, "open our own");
	all = read_privileges(own);
	is_made = all && CreateRestrictedToken(own, 0, 0, NULL, choose(all, keep),
					       all->Privileges, 0, NULL, token);
	if (!is_made)
		(void)win_fail();
	(void)CloseHandle(own);
	mem_free(all);
	if (!is_made)
		return err_sys(err, "no restricted token: cannot make one");
	if (look_at(*token, keep, words, size))
		return 0;
	(void)CloseHandle(*token);
	*token = NULL;
	return err_set(err, WEIR_ERR_PRIVILEGE,
		       "no restricted token: privileges are left that were taken away");
}
