/* Whose is it: rights that keep everybody out but the system, the administrators and our own user. */
#include "base/mem.h"
#include "port/places.h"
#include "port/windows/net.h"

#include <errno.h>
#include <sddl.h>
#include <stdio.h>

enum {
	SID_TEXT = 200
};

#define SID_SYSTEM         "S-1-5-18"
#define SID_ADMINISTRATORS "S-1-5-32-544"
/* TrustedInstaller, which owns the system's own folders. */
#define SID_INSTALLER "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"

static void copy_sid(PSID sid, char *text, size_t size)
{
	wchar_t *wide = NULL;

	text[0] = '\0';
	if (!ConvertSidToStringSidW(sid, &wide))
		return;
	(void)snprintf(text, size, "%ls", wide);
	(void)LocalFree(wide);
}

/* A TOKEN_USER with its SID behind it. */
union user_room {
	TOKEN_USER user;
	char bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
};

bool win_token_sid(HANDLE token, char *text, size_t size)
{
	union user_room room;
	DWORD n;

	text[0] = '\0';
	if (!GetTokenInformation(token, TokenUser, &room, sizeof room, &n))
		return false;
	copy_sid(room.user.User.Sid, text, size);
	return text[0] != '\0';
}

bool win_own_sid(char *text, size_t size)
{
	HANDLE token;
	bool is_known;

	text[0] = '\0';
	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return false;
	is_known = win_token_sid(token, text, size);
	(void)CloseHandle(token);
	return is_known;
}

static PSECURITY_DESCRIPTOR read_text(const wchar_t *text)
{
	PSECURITY_DESCRIPTOR d = NULL;

	return ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1,
								    &d, NULL)
		       ? d
		       : NULL;
}

PSECURITY_DESCRIPTOR win_private_descriptor(void)
{
	char own[SID_TEXT];
	wchar_t text[4 * SID_TEXT];

	if (!win_own_sid(own, sizeof own))
		return NULL;
	(void)swprintf(text, ARRAY_LEN(text),
		       L"O:%hsD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;%hs)", own, own);
	return read_text(text);
}

/* For a new folder and what is made in it.  What an administrator makes for the machine serves the system, and
 * the other way round: it belongs to all of them, and to nobody by his name. */
static PSECURITY_DESCRIPTOR new_rights(bool for_user)
{
	char own[SID_TEXT];
	wchar_t text[4 * SID_TEXT];

	if (!for_user && win_is_administrator())
		return read_text(L"O:BAD:P(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)");
	if (!win_own_sid(own, sizeof own))
		return NULL;
	(void)swprintf(text, ARRAY_LEN(text),
		       L"O:%hsD:P(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)(A;OICI;GA;;;%hs)", own,
		       own);
	return read_text(text);
}

bool win_is_trusted_sid(PSID sid)
{
	char text[SID_TEXT], own[SID_TEXT];

	copy_sid(sid, text, sizeof text);
	return text[0] &&
	       (!strcmp(text, SID_SYSTEM) || !strcmp(text, SID_ADMINISTRATORS) ||
		!strcmp(text, SID_INSTALLER) ||
		(win_own_sid(own, sizeof own) && !strcmp(text, own)));
}

/* As the system hands it out: one piece, with offsets. */
static void *read_descriptor(HANDLE h, DWORD *length)
{
	const SECURITY_INFORMATION what =
		OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
	void *d = NULL;

	*length = 0;
	if (GetKernelObjectSecurity(h, what, NULL, 0, length) || !*length)
		return NULL;
	d = mem_new(*length, 1);
	if (d && GetKernelObjectSecurity(h, what, d, *length, length))
		return d;
	mem_free(d);
	return NULL;
}

bool win_is_held(HANDLE h, enum ntfs_hold hold, char *why, size_t size)
{
	char own[SID_TEXT];
	const char *const all[] = { SID_SYSTEM, SID_ADMINISTRATORS, SID_INSTALLER,
				    win_own_sid(own, sizeof own) ? own : NULL, NULL };
	DWORD length;
	void *d = read_descriptor(h, &length);
	bool is = false;

	if (d)
		is = ntfs_is_held(d, length, hold, all, why, size);
	else
		(void)snprintf(why, size, "does not tell who may change it");
	mem_free(d);
	return is;
}

bool port_is_ours(int fd, char *why, size_t size)
{
	return win_is_held(win_handle(fd), NTFS_HOLD_ALL, why, size);
}

bool port_is_private(int fd, char *why, size_t size)
{
	return win_is_held(win_handle(fd), NTFS_HOLD_SECRET, why, size);
}

/* Its rights are there from its first moment: nobody can have opened it before they were. */
int port_private_directory(const char *path, bool for_user)
{
	struct win_open how = { .access = FILE_READ_ATTRIBUTES,
				.disposition = FILE_CREATE,
				.options = FILE_DIRECTORY_FILE,
				.rights = new_rights(for_user) };
	NTSTATUS status;
	HANDLE h;

	if (!how.rights) {
		errno = EPERM;
		return -1;
	}
	status = win_open_at(NULL, path, &how, &h);
	(void)LocalFree(how.rights);
	if (status < 0)
		return win_fail_status(status);
	(void)CloseHandle(h);
	return 0;
}

static int check_directory(const char *path, HANDLE h, struct weir_error *err)
{
	FILE_ATTRIBUTE_TAG_INFO info;
	char why[256];

	if (!GetFileInformationByHandleEx(h, FileAttributeTagInfo, &info, sizeof info) ||
	    !(info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) ||
	    info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
		return err_set(err, WEIR_ERR_EXISTS, "'%s' is no directory", path);
	return win_is_held(h, NTFS_HOLD_ALL, why, sizeof why)
		       ? 0
		       : err_set(err, WEIR_ERR_PRIVILEGE, "'%s' %s", path, why);
}

/* Of one that was there the rights are somebody's work, and all below would inherit others.  What we made
 * ourselves is looked at as well: there are file systems without rights. */
int port_directory_make(const char *path, unsigned mode, const struct port_user *owner,
			struct weir_error *err)
{
	wchar_t *wide;
	HANDLE h;
	int rc;

	(void)mode;
	(void)owner;
	if (port_private_directory(path, false) && errno != EEXIST)
		return err_sys(err, "cannot make '%s'", path);
	wide = win_path(path);
	h = wide ? CreateFileW(wide, READ_CONTROL | FILE_READ_ATTRIBUTES,
			       FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
			       NULL, OPEN_EXISTING,
			       FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
			       NULL)
		 : INVALID_HANDLE_VALUE;
	mem_free(wide);
	if (h == INVALID_HANDLE_VALUE) {
		(void)win_fail();
		return err_sys(err, "cannot open '%s'", path);
	}
	rc = check_directory(path, h, err);
	(void)CloseHandle(h);
	return rc;
}

bool port_is_root(void)
{
	return false;
}
