/* Whose is it: rights that keep everybody out but the system, the administrators and our own user. */
#include "base/mem.h"
#include "port/places.h"
#include "port/windows/net.h"

#include <aclapi.h>
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

PSECURITY_DESCRIPTOR win_private_descriptor(bool inherits)
{
	const char *how = inherits ? "OICI" : "";
	char own[SID_TEXT];
	wchar_t text[4 * SID_TEXT];
	PSECURITY_DESCRIPTOR d = NULL;

	if (!win_own_sid(own, sizeof own))
		return NULL;
	(void)swprintf(text, ARRAY_LEN(text),
		       L"O:%hsD:P(A;%hs;GA;;;SY)(A;%hs;GA;;;BA)(A;%hs;GA;;;%hs)", own,
		       how, how, how, own);
	return ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1,
								    &d, NULL)
		       ? d
		       : NULL;
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

/* Everything below inherits from it. */
static int protect(const char *path, HANDLE h, bool is_open_to_all,
		   struct weir_error *err)
{
	PSECURITY_DESCRIPTOR d = win_private_descriptor(true);
	BOOL is_there = FALSE, is_default;
	PACL list = NULL;
	DWORD error = ERROR_INVALID_SID;

	(void)is_open_to_all;
	if (d && GetSecurityDescriptorDacl(d, &is_there, &list, &is_default) && is_there)
		error = SetSecurityInfo(h, SE_FILE_OBJECT,
					DACL_SECURITY_INFORMATION |
						PROTECTED_DACL_SECURITY_INFORMATION,
					NULL, NULL, list, NULL);
	(void)LocalFree(d);
	if (!error)
		return 0;
	errno = win_errno(error);
	return err_sys(err, "cannot set the rights of '%s'", path);
}

static int check_directory(const char *path, HANDLE h, struct weir_error *err)
{
	FILE_ATTRIBUTE_TAG_INFO info;
	PSECURITY_DESCRIPTOR d = NULL;
	PSID owner = NULL;
	char who[SID_TEXT] = "somebody unknown";
	bool is_trusted = false;

	if (!GetFileInformationByHandleEx(h, FileAttributeTagInfo, &info, sizeof info) ||
	    !(info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) ||
	    info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
		return err_set(err, WEIR_ERR_EXISTS, "'%s' is no directory", path);
	if (!GetSecurityInfo(h, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
			     NULL, NULL, &d) &&
	    owner) {
		is_trusted = win_is_trusted_sid(owner);
		copy_sid(owner, who, sizeof who);
	}
	(void)LocalFree(d);
	return is_trusted ? 0
			  : err_set(err, WEIR_ERR_PRIVILEGE,
				    "'%s' belongs to %s, who could change what is in it",
				    path, who);
}

int port_directory_make(const char *path, unsigned mode, const struct port_user *owner,
			struct weir_error *err)
{
	wchar_t *wide;
	HANDLE h;
	int rc;

	(void)owner;
	if (weir_mkdir(path, mode) && errno != EEXIST)
		return err_sys(err, "cannot make '%s'", path);
	wide = win_path(path);
	h = wide ? CreateFileW(wide, READ_CONTROL | WRITE_DAC | FILE_READ_ATTRIBUTES,
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
	if (!rc)
		rc = protect(path, h, mode & 077, err);
	(void)CloseHandle(h);
	return rc;
}

bool port_is_root(void)
{
	return false;
}
